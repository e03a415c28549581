/** Which command takes what ships under a name. */
const commands: Readonly<Record<string, readonly string[]>> = {
  pretrain: ["demo", "kdc-mae-base", "cav-mae-base"],
  finetune: ["demo-finetune", "vggsound", "audioset-20k", "audioset-2m"],
  ablate: ["ablation-objectives"],
};

/** The command that takes a name; undefined for one that nothing ships under. */
export const commandOf = (name: string): string | undefined =>
  Object.keys(commands).find((command) => commands[command].includes(name));
