import { expect, it } from "vitest";
import { visibleText } from "./visible-text.js";

it("shows what would act on a terminal, and leaves all else", () => {
  const [start, csi, bell, turned] = ["\u001b", "\u009b", "\u0007", "\u202e"];
  expect(visibleText(`a${start}[31mred${csi}2J${bell}${turned}gpj.mp4\r`)).toBe(
    "a\\u001b[31mred\\u009b2J\\u0007\\u202egpj.mp4\\u000d",
  );
  const plain = "Katze, 猫, é, 👩‍👧, a\tb\nc \\u";
  expect(visibleText(plain)).toBe(plain);
});

it("keeps JSON what it is", () => {
  const name = "a\u009b\u007f\u202eb\u001b\n";
  const shown = visibleText(JSON.stringify({ name }, null, 2));
  expect(JSON.parse(shown)).toEqual({ name });
  expect(shown).toMatch(/^[\n\x20-\x7e]*$/);
});
