// On every page: goes on with what an earlier page has left unfinished. Nothing is loaded when there is nothing to do.

import {mark} from './mark.js';

if (mark.get()) {
    const {showUploads} = await import('./card.js');
    await showUploads();
}
