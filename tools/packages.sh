# The Debian packages this project needs, and how to install them. Sourced by tools/quickstart, tests/run,
# tests/fresh and .ci/run; defines functions only.
#
#   install_packages [--optional] GROUP...
#
# installs what is missing of the groups build, test and lint, as root or through sudo, and says so. Nothing
# is touched when everything is there. With --optional a failure is a remark, not an error.

# One package per line, with what it is for.
packages_in_group() {
	sed 's/#.*//' <<-END | awk -v group="$1" '$1 == group { print $2 }'
		build  gcc               # C17
		build  libc6-dev
		build  meson             # 1.0 or newer; brings ninja and python3
		build  ninja-build
		build  pkg-config
		build  python3           # man pages and completions are generated
		build  libisal-dev       # checksums, gzip
		build  zlib1g-dev        # gzip levels that ISA-L lacks
		build  libzstd-dev
		build  liblz4-dev
		build  libsnappy-dev
		build  libxxhash-dev     # checksum of lz4 frames
		build  liburing-dev
		build  libjansson-dev    # JSON in and out of the command line tool
		build  libsmartcols-dev  # its tables
		test   g++               # the public headers are C++-clean
		test   libcriterion-dev
		test   groff-base        # man pages format without warnings
		lint   clang             # second compiler
		lint   libclang-rt-dev   # its sanitizers and fuzzing engine
		lint   clang-tidy
		lint   llvm              # readable traces of the sanitizers
		lint   cppcheck
		lint   mandoc            # lint of man pages
	END
}

missing_packages() {
	local group package
	for group; do
		for package in $(packages_in_group "$group"); do
			[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
		done
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "needs root, and there is no sudo: $*" >&2
		return 1
	fi
}

# A fresh machine has no package lists, or old ones that name files which are gone: then fetch them and try again.
apt_install() {
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 install)
	as_root "${apt[@]}" "$@" >/dev/null 2>&1 && return 0
	echo "  fetching package lists (apt-get update)"
	as_root apt-get -q update >/dev/null || return 1
	as_root "${apt[@]}" "$@" >/dev/null
}

install_packages() {
	local optional=0 missing
	if [ "${1:-}" = --optional ]; then
		optional=1
		shift
	fi
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "No apt-get here: taking it that the counterparts of these Debian packages are installed:"
		for group; do packages_in_group "$group"; done | paste -s -d ' ' | fold -s -w 100 | sed 's/^/  /'
		return 0
	fi
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	echo "Installing Debian packages:" $missing
	# shellcheck disable=SC2086 # a list of words
	if apt_install $missing; then
		return 0
	fi
	echo "  could not install all of them" >&2
	[ "$optional" = 1 ]
}
