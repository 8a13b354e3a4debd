"""Containers that are no data frames: tensors of torch, arrays with coordinates, variables of netCDF files."""

import numpy as np
import pytest
import torch
import xarray as xr

import narrows


def quick():
    return narrows.Autoencoder(latent_dim=2, epochs=1, random_state=0, verbose=0)


@pytest.fixture
def field():
    values = np.random.RandomState(0).randn(30, 6, 5).astype(np.float32)
    return xr.DataArray(
        values, dims=("time", "lat", "lon"), coords={"lat": np.arange(6)}, name="t", attrs={"units": "K"}
    )


def test_a_tensor_comes_back_as_one(table):
    X = torch.from_numpy(table).float()
    found = quick().fit(X).reconstruct(X)
    assert isinstance(found, torch.Tensor)
    assert found.dtype == X.dtype
    assert found.shape == X.shape


def test_coordinates_come_back(field):
    found = quick().fit(field).reconstruct(field)
    assert found.dims == field.dims
    assert found.attrs == field.attrs
    assert (found.coords["lat"] == field.coords["lat"]).all()
    assert not np.array_equal(found.values, field.values)


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_a_variable_of_a_file(field, tmp_path, engine):
    field.where(field < 2).to_netcdf(tmp_path / "x.nc", engine=engine)
    found = narrows.open_data(tmp_path / "x.nc")
    assert found.dims == field.dims
    assert int(np.isnan(found).sum()) == int((field >= 2).sum())
    assert narrows.open_data(f"{tmp_path}/x.nc:t").shape == (30, 6, 5)
    with pytest.raises(narrows.ChoiceError, match=r"unknown variable of numbers in .* 'u'"):
        narrows.open_data(f"{tmp_path}/x.nc:u")


def test_several_variables_have_to_be_told_apart(field, tmp_path):
    xr.Dataset({"a": field, "b": field}).to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    with pytest.raises(narrows.InputError, match=r"holds 2 variables, so say which, as in .*x.nc:a \(a, b\)"):
        narrows.open_data(tmp_path / "x.nc")


def test_what_is_no_netcdf_file(tmp_path):
    (tmp_path / "x.nc").write_bytes(b"nonsense")
    with pytest.raises(narrows.FileError, match="is no netCDF file"):
        narrows.open_data(tmp_path / "x.nc")


@pytest.mark.parametrize(("given", "says"), [("digits.csv", r"open_data\(path\)"), (np.array("one"), "no array of")])
def test_text_is_no_samples(given, says):
    with pytest.raises(ValueError, match=says):
        quick().fit(given)
    with pytest.raises(ValueError, match=r"open_data\(path\)|no array of"):
        narrows.search(given, [[1.0]], 1)
