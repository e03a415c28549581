/**
 * Text without characters that do something instead of being seen: control characters (C0, DEL, C1), which move a
 * terminal's cursor or colour it, and those that turn the direction of text. Each becomes `\u001b` and the like, which
 * is what JSON writes for it too; line ends and tabs stay. For names that come from strangers' files.
 */
export const visibleText = (text: string): string =>
  text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
