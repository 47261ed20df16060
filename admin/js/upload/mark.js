// Whether there may be uploads to go on with, told without opening their store: most pages have nothing.

import {store} from '../core/state.js';

const NAME = 'uploads_open';

export const mark = {
    get: () => store.get(NAME, false),
    set: open => store.set(NAME, open || null),
};
