package pvm

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The vectors that every binding carries out; tests/conformance/README.md tells what the directives are.
const conformance = "../../tests/conformance/"

type answer struct {
	result   HostResult
	price    int64
	register int
	value    uint64
}

type driver struct {
	t           *testing.T
	out         bytes.Buffer
	name        string
	backendName string
	backend     Backend
	program     *Program
	vm          *VM
	answers     []answer
}

func (d *driver) number(word string) uint64 {
	value, err := strconv.ParseUint(word, 0, 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return value
}

func (d *driver) octets(word string) []byte {
	data, err := hex.DecodeString(word)
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

func (d *driver) print(format string, values ...any) {
	fmt.Fprintf(&d.out, "%s %s ", d.name, d.backendName)
	fmt.Fprintf(&d.out, format+"\n", values...)
}

func (d *driver) close() {
	if d.vm != nil {
		d.vm.Close()
	}
	if d.program != nil {
		d.program.Close()
	}
}

func (d *driver) onHostCall(vm *VM, funcID int) HostResult {
	d.print("host %d pc=%d gas=%d", funcID, vm.PC(), vm.Gas())
	if len(d.answers) == 0 {
		return HostYield
	}
	next := d.answers[0]
	d.answers = d.answers[1:]
	vm.SetGas(vm.Gas() - next.price)
	vm.WriteRegister(next.register, next.value)
	return next.result
}

func (d *driver) run(verb string, call func() (Result, error)) {
	names := [...]string{"halt", "oog", "panic", "host", "fault", "error"}
	result, _ := call()
	var registers []string
	for _, value := range d.vm.Registers() {
		registers = append(registers, strconv.FormatUint(value, 16))
	}
	d.print("%s %s pc=%d gas=%d fault=0x%x call=%d regs=%s", verb, names[result], d.vm.PC(), d.vm.Gas(),
		d.vm.FaultAddress(), d.vm.HostCall(), strings.Join(registers, ","))
}

func (d *driver) refused(verb string, err error) {
	if err != nil {
		d.print("%s error", verb)
	}
}

func (d *driver) carryOut(words []string) {
	var err error
	switch verb := words[0]; verb {
	case "case":
		d.close()
		specs := map[string]Spec{"0.7.2": Spec072, "0.8.0": Spec080, "latest64": SpecLatest64}
		var jumps []uint32
		if words[5] != "-" {
			for _, word := range strings.Split(words[5], ",") {
				jumps = append(jumps, uint32(d.number(word)))
			}
		}
		d.name = words[1] + "/" + words[2]
		d.program, err = FromParts(d.octets(words[3]), d.octets(words[4]), jumps, specs[words[2]])
	case "new":
		d.vm, err = New(d.program, Options{Backend: d.backend, Gas: d.number(words[1])})
		d.answers = nil
	case "reg":
		d.vm.WriteRegister(int(d.number(words[1])), d.number(words[2]))
	case "gas":
		d.vm.SetGas(int64(d.number(words[1])))
	case "pc":
		err = d.vm.SetPC(uint32(d.number(words[1])))
	case "page":
		accesses := map[string]Access{"none": AccessNone, "read": AccessRead, "write": AccessWrite}
		d.refused(verb, d.vm.MapMemory(uint32(d.number(words[1])), d.number(words[2]), accesses[words[3]]))
	case "write":
		d.refused(verb, d.vm.WriteMemory(uint32(d.number(words[1])), d.octets(words[2])))
	case "read":
		address := uint32(d.number(words[1]))
		data, readErr := d.vm.ReadMemory(address, d.number(words[2]))
		text := hex.EncodeToString(data)
		if readErr != nil {
			text = "error"
		}
		d.print("read 0x%x %s", address, text)
	case "host":
		results := map[string]HostResult{"continue": HostContinue, "terminate": HostTerminate,
			"error": HostError, "yield": HostYield, "oog": HostOOG}
		d.answers = append(d.answers, answer{results[words[1]], int64(d.number(words[2])),
			int(d.number(words[3])), d.number(words[4])})
		d.vm.SetHostCallback(d.onHostCall)
	case "execute":
		pc := uint32(d.number(words[1]))
		d.run(verb, func() (Result, error) { return d.vm.Execute(pc) })
	case "resume":
		d.run(verb, d.vm.Resume)
	case "step":
		d.run(verb, d.vm.Step)
	default:
		d.t.Fatalf("unknown directive %s", verb)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	var all bytes.Buffer
	for _, backend := range []struct {
		name   string
		number Backend
	}{{"interpreter", BackendInterpreter}, {"recompiler", BackendRecompiler}} {
		vectors, err := os.Open(conformance + "vectors.txt")
		if err != nil {
			t.Fatal(err)
		}
		d := &driver{t: t, backendName: backend.name, backend: backend.number}
		for lines := bufio.NewScanner(vectors); lines.Scan(); {
			words := strings.Fields(lines.Text())
			if len(words) > 0 && words[0] != "#" {
				d.carryOut(words)
			}
		}
		d.close()
		vectors.Close()
		all.Write(d.out.Bytes())
	}
	expected, err := os.ReadFile(conformance + "expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(all.String(), "\n"), strings.Split(string(expected), "\n")
	for i := 0; i < len(got) || i < len(want); i++ {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d differs:\n%s", i+1, strings.Join(got[i:min(i+1, len(got))], "")+"\nexpected\n"+
				strings.Join(want[i:min(i+1, len(want))], ""))
		}
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
