# Sourced by the scripts that install what the tests need and Debian or Ubuntu
# have.

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# apt_can WHAT PACKAGE... ends with one line that says what to do where the
# packages cannot be installed from here.
apt_can() {
  local what=$1
  shift
  if ! command -v apt-get >/dev/null; then
    echo "$what is missing, and there is no apt-get to install it with: install what Debian calls $*, and run this again" >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "$what is missing: run as root: apt-get install $*" >&2
    exit 1
  fi
}

# apt_install WHAT PACKAGE... installs the packages. It prints to standard error
# alone: standard output may be a script's result.
apt_install() {
  apt_can "$@"
  echo "installing $1 for the tests" >&2
  shift
  as_root apt-get update -qq >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}
