/** Of hubscore; the same as in package.json. */
export const VERSION = '0.1.0';

/** Of how models are read, and their outputs as predictions; goes up with every change of that, so that no answer or verdict of before is taken for one of now. */
export const INTERPRETATION = 3;
