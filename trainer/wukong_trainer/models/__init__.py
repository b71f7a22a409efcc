"""Students: loading, adapters, fingerprints, the embedded one."""
