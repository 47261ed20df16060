// The page of a folder.

import {$} from '../core/dom.js';
import {Browser} from '../browse/browser.js';

const place = $('#browse');

if (place) {
    new Browser(place).start();
}
