/** Put in by whoever bundles the app. */
declare const HUBSCORE_COMMIT: string | undefined;

/** The commit that this app was packaged from; `development` where it runs from its sources. */
export const COMMIT = typeof HUBSCORE_COMMIT === 'string' ? HUBSCORE_COMMIT : 'development';
