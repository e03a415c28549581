/** Crafted files: each is small, and asks for much. A reader must refuse it in words, within seconds and bounded memory. */
export const runCrafted = async () => [];
