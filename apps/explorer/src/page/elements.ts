/** An element of the page by its id; one that is not there is a fault of the page. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element ${id}`);
  return element as E;
}

/** A new element; text is text, whatever stands in it. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Says one sentence in a place, as a fault or as news. */
export function say(place: HTMLElement, sentence: string, wrong = false): void {
  place.classList.toggle("wrong", wrong);
  place.textContent = sentence;
}

/** Runs what a person asked for; whatever goes wrong becomes one sentence, and the page goes on. */
export async function asked(
  place: HTMLElement,
  work: () => Promise<void> | void,
  busy?: HTMLButtonElement,
): Promise<void> {
  if (busy) busy.disabled = true;
  try {
    await work();
  } catch (error) {
    say(place, error instanceof Error ? error.message : String(error), true);
  } finally {
    if (busy) busy.disabled = false;
  }
}

/** Milliseconds for people. */
export const lasted = (milliseconds: number): string =>
  milliseconds < 10_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
