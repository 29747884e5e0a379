# The committed guests are what scripts/build-guests.sh makes of their sources as they are now: the lines in their debug
# information are those of the sources, too.
. "$CLI/lib.sh"
guest_linker
HOME=$(getent passwd "$(id -u)" | cut -d : -f 6) PVM_GUEST_BUILD=$GUEST_BUILD PVMSCOPE=$(command -v pvmscope) \
    "$GUESTS/../../../scripts/build-guests.sh" --check
