# Sourced: installs what is missing of the packages named on the command line of install_packages, quietly.
# Debian 12 names. Everything in `build_packages` is used by the build, `test_packages` by the tests only.

build_packages="gcc libc6-dev cmake ninja-build pkg-config libsqlite3-dev libjson-c-dev libzydis-dev
    systemtap-sdt-dev liblttng-ust-dev lttng-tools libbabeltrace2-dev libprotobuf-c-dev protobuf-c-compiler zlib1g-dev
    libsodium-dev libbpf-dev bpftool clang-19 libncurses-dev libmicrohttpd-dev"
test_packages="git clang-19 lld-19 libclang-rt-19-dev clang-format-19 libcmocka-dev python3 sqlite3 util-linux valgrind
    chromium chromium-driver babeltrace2
    dpkg-dev groff-base zsh python3-venv linux-perf"

# Programs that many have from elsewhere, with the package that has them: wanted only where the program is missing.
# The cargo of Debian 12 is too old for the linker of the guests; the one that its browsers are built with is not.
test_programs="go:golang-go cargo:cargo-web"

# packages_of PROGRAM:PACKAGE...
packages_of()
{
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
    done
}

install_packages()
{
    missing=
    for package in "$@"; do
        status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || status=
        [ "$status" = "install ok installed" ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "missing packages:$missing; install them with your system's package manager" >&2
        return 4
    fi
    echo "installing:$missing"
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of words
    if ! { $sudo apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends $missing; } \
        >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        echo "cannot install:$missing; see the lines above" >&2
        rm -f "$log"
        return 4
    fi
    rm -f "$log"
}
