// Runs JAM programs on anan-as for bench/peers/src/anan.rs: a line `PROGRAM ARGUMENT` in, a line `STATUS US GAS RESULT` out.
// STATUS 0 is a halt; US is time on the processor of what runs the program, without what prepares it; RESULT is hexadecimal.
import { HasMetadata, InputKind, prepareProgram, pvmDestroy, pvmReadMemory, pvmResume, pvmStart } from "@fluffylabs/anan-as";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const GAS = 1n << 60n;
// What its own command line has.
const PAGES = 128;

function run(path, argument) {
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64LE(argument);
  const program = Array.from(readFileSync(path));
  const prepared = prepareProgram(InputKind.SPI, HasMetadata.No, program, [], [], [], Array.from(octets), PAGES);
  const id = pvmStart(prepared, false);
  const begin = process.cpuUsage();
  const end = pvmResume(id, GAS, 0, false);
  const used = process.cpuUsage(begin);
  const [address, length] = end.registers.slice(7, 9).map(Number);
  const result = Buffer.from(pvmReadMemory(id, address, length) ?? []).toString("hex");
  pvmDestroy(id);
  return `${end.status} ${used.user + used.system} ${GAS - end.gas} ${result}`;
}

for await (const line of createInterface({ input: process.stdin })) {
  const space = line.lastIndexOf(" ");
  console.log(run(line.slice(0, space), BigInt(line.slice(space + 1))));
}
