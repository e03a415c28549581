import type { Palette } from "./colour.js";
import { ink, type Paint } from "./paint.js";
import { shade, type Texture } from "./texture.js";

/** What covers one object: its inks and the fill of its body. */
export type Cover = { readonly palette: Palette; readonly texture: Texture };

/** An object in its own frame, −1 … 1 both ways: `colours` runs [side, side, 4], red, green, blue, and 255 where there is any. */
export type Sprite = { readonly side: number; readonly colours: Uint8ClampedArray };

const side = 88;
/** Turns smaller than this many radians are not worth painting again. */
const smallTurn = 0.04;

function paintSprite(paint: Paint, { palette, texture }: Cover, swing: number): Sprite {
  const colours = new Uint8ClampedArray(4 * side * side);
  for (let row = 0; row < side; row++) {
    const v = (2 * row + 1) / side - 1;
    for (let column = 0; column < side; column++) {
      const u = (2 * column + 1) / side - 1;
      const here = paint(u, v, swing);
      if (here === ink.none) continue;
      const colour = palette[here - 1];
      const light = here === ink.body ? shade(texture, u, v) : 1;
      const at = 4 * (row * side + column);
      colours[at] = light * colour[0];
      colours[at + 1] = light * colour[1];
      colours[at + 2] = light * colour[2];
      colours[at + 3] = 255;
    }
  }
  return { side, colours };
}

/**
 * A painter of one object, asked for the turn of its moving part (radians). The last picture is kept, because an
 * object that is at rest looks the same in the next frame and painting is the dearest part of a clip.
 */
export function spritePainter(paint: Paint, cover: Cover): (swing: number) => Sprite {
  let turned = Number.NaN;
  let last: Sprite | undefined;
  return (swing) => {
    if (last === undefined || Math.abs(swing - turned) > smallTurn) {
      turned = swing;
      last = paintSprite(paint, cover, swing);
    }
    return last;
  };
}
