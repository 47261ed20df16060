// The pages of the templates: the list, and the form of one.

import {page} from '../core/dom.js';
import {loadTexts} from '../core/texts.js';

await loadTexts('publish');
const {show} = await import(page.data.id === null ? '../templates/list.js' : '../templates/form.js');
await show();
