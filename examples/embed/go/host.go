// A host in Go: the example service on a store of keys and values in memory. The same in four languages: ../README.md.
//
//	go run . service.jam [ROUNDS]
package main

import (
	"fmt"
	"os"
	"strconv"

	pvm "pvmscope/bindings/go"
)

const (
	callGas, callRead, callWrite = 0, 4, 5
	accumulatePC, price          = 5, 10
	none, what                   = ^uint64(0), ^uint64(1)
	gasAtStart                   = 1_000_000_000
)

type store map[string][]byte

// read: key at r8, r9 octets; its value from octet r11 on to r10, at most r12. Answers the value's length.
func (s store) read(vm *pvm.VM, r [pvm.RegisterCount]uint64) (uint64, error) {
	key, err := vm.ReadMemory(uint32(r[8]), r[9])
	if err != nil {
		return 0, err
	}
	value, known := s[string(key)]
	if !known {
		return none, nil
	}
	from := min(r[11], uint64(len(value)))
	part := value[from : from+min(r[12], uint64(len(value))-from)]
	return uint64(len(value)), vm.WriteMemory(uint32(r[10]), part)
}

// write: key at r7, r8 octets; value at r9, r10 octets, none to delete. Answers the length of the old value.
func (s store) write(vm *pvm.VM, r [pvm.RegisterCount]uint64) (uint64, error) {
	key, err := vm.ReadMemory(uint32(r[7]), r[8])
	if err != nil {
		return 0, err
	}
	value, err := vm.ReadMemory(uint32(r[9]), r[10])
	if err != nil {
		return 0, err
	}
	answer := none
	if old, known := s[string(key)]; known {
		answer = uint64(len(old))
	}
	delete(s, string(key))
	if len(value) > 0 {
		s[string(key)] = value
	}
	return answer, nil
}

func (s store) onHostCall(vm *pvm.VM, funcID int) pvm.HostResult {
	if !vm.UseGas(price) {
		return pvm.HostOOG
	}
	answer, err := what, error(nil)
	switch funcID {
	case callGas:
		answer = uint64(vm.Gas())
	case callRead:
		answer, err = s.read(vm, vm.Registers())
	case callWrite:
		answer, err = s.write(vm, vm.Registers())
	}
	if err != nil { // memory that the guest itself cannot access
		return pvm.HostError
	}
	vm.WriteRegister(7, answer)
	return pvm.HostContinue
}

func run(path string, rounds int) error {
	blob, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	program, err := pvm.Load(blob, pvm.FormatJAM, pvm.Spec080)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer program.Close()
	vm, err := pvm.New(program, pvm.Options{Service: 7, Gas: gasAtStart})
	if err != nil {
		return err
	}
	defer vm.Close()
	pairs, result := store{}, pvm.ResultOK
	vm.SetHostCallback(pairs.onHostCall)
	for i := 0; i < rounds && result == pvm.ResultOK; i++ {
		if err := vm.Reset(gasAtStart); err != nil {
			return err
		}
		if result, err = vm.Execute(accumulatePC); err != nil {
			return err
		}
	}
	octets := 0
	for _, value := range pairs {
		octets += len(value)
	}
	answer, err := vm.Result()
	fmt.Printf("result %d, gas used %d\n", int(result), gasAtStart-vm.Gas())
	fmt.Printf("store %d keys, %d octets\n", len(pairs), octets)
	fmt.Printf("answer %x\n", answer)
	return err
}

func main() {
	rounds := 1
	if len(os.Args) > 2 {
		rounds, _ = strconv.Atoi(os.Args[2])
	}
	if len(os.Args) < 2 || rounds < 1 {
		fmt.Fprintln(os.Stderr, "usage: host service.jam [ROUNDS]")
		os.Exit(2)
	}
	if err := run(os.Args[1], rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
