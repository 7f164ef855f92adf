#include "hdf5_file.h"

#include "covector/core/error.h"

#include <hdf5.h>

#include <algorithm>
#include <stdexcept>

namespace covector::datasets {
namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t));

// One identifier of HDF5, closed by its own function. In memory nothing can fail but memory.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close, const char* what) : id_(id), close_(close) {
    if (id < 0) throw std::runtime_error(std::string("HDF5 could not ") + what);
  }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }  // NOLINT(*-explicit-*)

 private:
  hid_t id_;
  Close close_;
};

void require(herr_t status, const char* what) {
  if (status < 0) throw std::runtime_error(std::string("HDF5 could not ") + what);
}

hid_t native(Hdf5Type type) {
  switch (type) {
    case Hdf5Type::uint8:
      return H5T_STD_U8LE;
    case Hdf5Type::uint16:
      return H5T_STD_U16LE;
    case Hdf5Type::int64:
      return H5T_STD_I64LE;
    case Hdf5Type::float32:
      return H5T_IEEE_F32LE;
    default:
      return H5T_IEEE_F64LE;
  }
}

// What HDF5 would print is in the errors thrown.
void be_silent() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

constexpr std::size_t kGrowth = 1 << 20;
// Any type may be read in place through a memory map.
constexpr hsize_t kAlignment = 64;

template <class Number>
std::vector<Number> read(const std::filesystem::path& path, const std::string& name, hid_t type) {
  be_silent();
  try {
    const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open it");
    const Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, "open a table");
    const Handle space(H5Dget_space(dataset), H5Sclose, "read a shape");
    std::vector<Number> values(
        static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space))));
    require(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read a table");
    return values;
  } catch (const std::runtime_error& error) {
    throw DataError(path.string() + ": '" + name + "' cannot be read (" + error.what() +
                    "); remove the file and prepare again");
  }
}

}  // namespace

Hdf5Builder::Hdf5Builder() {
  be_silent();
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make file properties");
  require(H5Pset_fapl_core(access, kGrowth, /*backing_store=*/0), "build a file in memory");
  require(H5Pset_alignment(access, 1, kAlignment), "align a file");
  file_ = H5Fcreate("prepared", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  require(file_ < 0 ? -1 : 0, "create a file in memory");
}

Hdf5Builder::~Hdf5Builder() {
  H5Fclose(file_);
}

std::int64_t Hdf5Builder::add(const std::string& name, Hdf5Type type,
                              const std::vector<std::int64_t>& shape, const void* values) {
  const std::vector<hsize_t> lengths(shape.begin(), shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
                     H5Sclose, "shape a dataset");
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "make link properties");
  require(H5Pset_create_intermediate_group(links, 1), "ask for groups");
  const Handle dataset(
      H5Dcreate2(file_, name.c_str(), native(type), space, links, H5P_DEFAULT, H5P_DEFAULT),
      H5Dclose, "create a dataset");
  require(H5Dwrite(dataset, native(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values),
          "write a dataset");
  return static_cast<std::int64_t>(H5Dget_offset(dataset));
}

void Hdf5Builder::annotate(const std::string& name, const std::string& attribute, double value) {
  const Handle dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose, "open a dataset");
  const Handle scalar(H5Screate(H5S_SCALAR), H5Sclose, "shape an attribute");
  const Handle made(
      H5Acreate2(dataset, attribute.c_str(), H5T_IEEE_F64LE, scalar, H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose, "create an attribute");
  require(H5Awrite(made, H5T_IEEE_F64LE, &value), "write an attribute");
}

std::vector<char> Hdf5Builder::bytes() const {
  require(H5Fflush(file_, H5F_SCOPE_LOCAL), "flush a file in memory");
  const auto length = H5Fget_file_image(file_, nullptr, 0);
  std::vector<char> bytes(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  require(H5Fget_file_image(file_, bytes.data(), bytes.size()) < 0 ? -1 : 0, "give its file");
  return bytes;
}

std::vector<std::int64_t> read_integers(const std::filesystem::path& file,
                                        const std::string& name) {
  return read<std::int64_t>(file, name, H5T_NATIVE_INT64);
}

std::vector<double> read_numbers(const std::filesystem::path& file, const std::string& name) {
  return read<double>(file, name, H5T_NATIVE_DOUBLE);
}

}  // namespace covector::datasets
