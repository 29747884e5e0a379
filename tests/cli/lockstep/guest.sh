# Guests of both specs are the same by single steps and by blocks, on both backends.
for guest in quicksort-0.7.2 quicksort format-0.7.2 format; do
    cp "$GUESTS/$guest.polkavm" .
    for backend in interpreter recompiler; do
        pvmscope lockstep $guest.polkavm --backend $backend
        echo
    done
done
