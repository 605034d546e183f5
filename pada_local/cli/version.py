"""The version of the installed package."""


def version() -> str:
    """As the package's metadata says; a checkout that is not installed has none."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("pada-local")
    except PackageNotFoundError:
        return "0.0.0 (not installed)"
