from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wukong_pipe.errors import ModelError
from wukong_trainer.llama_server import file_of


def test_without_llama_cpp_the_server_says_what_to_install_before_it_fetches_a_model(tmp_path: Path) -> None:
    # Whether it is installed here or not, this process has none; and were it to go on, there is no such file to serve.
    code = "import sys\nsys.modules['xllamacpp'] = None\nfrom wukong_trainer import llama_server\n"
    command = [sys.executable, "-c", f"{code}sys.exit(llama_server.main())", str(tmp_path / "nothing.gguf")]
    done = subprocess.run(command, env={"XDG_CACHE_HOME": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    told = "Error: llama.cpp runs through xllamacpp, which is not installed: pip install xllamacpp.\n"
    assert done.stderr == told
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_gguf_is_refused_with_the_names_that_are_known(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"")
    assert file_of(str(tmp_path), lambda line: None) == file
    with pytest.raises(ModelError, match=r"nothing\.gguf is no GGUF file and no folder with one; .*smollm2, "):
        file_of("nothing.gguf", lambda line: None)
