"""Documents that are no Markdown, made into Markdown: PDF, DOCX, PPTX, HTML, EPUB."""
