// The numbers in the header: what is in the basket, and how many tasks are under way.

import {$} from './dom.js';
import {number} from './format.js';
import {basket} from './basket.js';
import {onTasks, resumeTasks} from './tasks.js';

basket.on(items => show('basket', items.length));
onTasks(count => show('tasks', count));
resumeTasks();

function show(name, count) {
    const element = $(`[data-count="${name}"]`);
    if (element) {
        element.textContent = number(count);
        element.hidden = count === 0;
    }
}
