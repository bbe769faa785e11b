import htm from './htm.js';
import { h } from './preact.js';

/** Markup as template literals. What is put in is text, never markup. */
export const html = htm.bind(h);
