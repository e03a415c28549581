import { type Protocol, varyProtocol } from "@kdc-mae/eval";

/** A protocol under which a clip has one class, saying so where clips have several labels. */
export function withFirstLabels(protocol: Protocol, labels: readonly (readonly string[])[]): Protocol {
  const several = labels.filter((own) => own.length > 1).length;
  if (several === 0) return protocol;
  const note = `${several} of ${labels.length} clips have several labels: each is of the class of its first`;
  return varyProtocol(protocol, { name: protocol.name, notes: [note] });
}
