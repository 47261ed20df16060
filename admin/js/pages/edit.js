// The form of title and description, shown within another page: what it belongs to learns that something has changed.

import {page} from '../core/dom.js';

const embedded = window.parent !== window;
if (embedded && document.querySelector('[role="status"]')) {
    window.parent.postMessage({type: 'qis-edited', ...page.data}, location.origin);
}
