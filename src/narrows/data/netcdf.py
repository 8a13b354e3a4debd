"""Variables in netCDF files (extra `netcdf`), as `file.nc:name`, by xarray: gaps are NaN, packed values unpacked."""

from pathlib import Path
from typing import Any

from narrows.core.errors import FileError, InputError, NarrowsError, unknown


def read_netcdf(path: Path, name: str = "") -> Any:
    """A variable of numbers, with its dimensions and coordinates; the first dimension counts the samples.

    Args:
        path: The file.
        name: The variable; may be left out where there is one.

    Returns:
        An xarray `DataArray`.

    Raises:
        FileError: The file is damaged or no netCDF file.
        InputError: No numbers there; xarray is not installed.
        ChoiceError: No variable of that name.
    """
    try:
        import xarray as xr  # optional
    except ImportError as error:
        raise InputError(f"reading {path} needs xarray: pip install 'narrows[netcdf]'") from error
    try:
        with xr.open_dataset(path) as file:
            known = [str(key) for key, variable in file.items() if variable.dtype.kind in "biuf" and variable.ndim]
            if name and name not in known:
                raise unknown(f"variable of numbers in {path}", name, known)
            if not known:
                raise InputError(f"{path} holds no variables of numbers")
            if not name and len(known) > 1:
                raise InputError(
                    f"{path} holds {len(known)} variables, so say which, as in {path}:{known[0]} ({', '.join(known)})"
                )
            return file[name or known[0]].load()
    except NarrowsError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise FileError(f"{path} is no netCDF file, or it is damaged or cut short ({said[:120]})") from error
