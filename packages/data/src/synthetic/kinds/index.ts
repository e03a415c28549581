import type { Kind } from "../kind.js";
import { bell } from "./bell.js";
import { bird } from "./bird.js";
import { clock } from "./clock.js";
import { drum } from "./drum.js";
import { engine } from "./engine.js";
import { fan } from "./fan.js";
import { frog } from "./frog.js";
import { guitar } from "./guitar.js";
import { horn } from "./horn.js";
import { kettle } from "./kettle.js";
import { phone } from "./phone.js";
import { piano } from "./piano.js";
import { radio } from "./radio.js";
import { rattle } from "./rattle.js";
import { siren } from "./siren.js";
import { whistle } from "./whistle.js";

/** Every kind of sounding object, in alphabetical order. */
export const allKinds: readonly Kind[] = [
  bell,
  bird,
  clock,
  drum,
  engine,
  fan,
  frog,
  guitar,
  horn,
  kettle,
  phone,
  piano,
  radio,
  rattle,
  siren,
  whistle,
];

/** Names of the kinds, which are the labels of the clips. */
export const kinds: readonly string[] = allKinds.map((kind) => kind.name);
