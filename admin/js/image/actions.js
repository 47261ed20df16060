// What can be done with an image: the buttons and the menu at the top of its page.

import {ACCESS} from '../core/access.js';
import {api, imageUrl} from '../core/api.js';
import {basket} from '../core/basket.js';
import {confirmDeed, promptText} from '../core/dialog.js';
import {$, h, icon, url} from '../core/dom.js';
import {bytes} from '../core/format.js';
import {keys} from '../core/keys.js';
import {menuButton} from '../core/menu.js';
import {fileNameFault} from '../core/names.js';
import {below, extensionOf} from '../core/paths.js';
import {pickFolder} from '../core/picker.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {openFocal} from './focal.js';

const DONE = 'qis-image-done';
const FORMATS = ['jpg', 'png', 'webp', 'avif'];

const detailsOf = src => url('details/', {src});

export function enhanceActions(image) {
    const there = image.state === 'there';
    const deeds = {
        rename: there && image.may.upload && (() => rename(image)),
        move: there && image.may.upload && image.may.delete && (() => move(image)),
        replace: there && image.may.upload && (() => replace(image)),
        reset: there && image.may.edit && (() => reset(image)),
        remove: image.state !== 'deleted' && image.may.delete && (() => remove(image)),
    };
    if (there) addBasket(image);
    if (there && image.may.download) downloadMenu(image);
    moreMenu(image, deeds);
    keys({
        ...(deeds.rename && {F2: {run: deeds.rename, text: t('image_rename')}}),
        ...(deeds.remove && {Delete: {run: deeds.remove, text: t('image_delete')}}),
        ...(there && image.may.download && {p: {run: () => $('#publish').click(), text: t('image_publish')}}),
        Escape: {run: () => $('#back').click(), text: t('image_back', {folder: image.folder})},
    });
}

function addBasket(image) {
    const add = () => {
        basket.add([{id: image.id, src: image.src, title: image.title}]);
        toast(t('image_in_basket'));
    };
    $('#more').before(h('button', {type: 'button', class: 'button', id: 'basket-add', on: {click: add}},
        icon('basket'), t('image_basket')));
}

function downloadMenu(image) {
    const link = $('#download');
    const button = h('button', {type: 'button', class: 'button', id: 'download'}, ...link.childNodes, icon('down'));
    link.replaceWith(button);
    menuButton(button, [
        {label: t('image_download_original'), icon: 'download', href: link.href},
        ...FORMATS.map(format => ({
            label: t('image_download_as', {format: format.toUpperCase()}),
            href: imageUrl(image.src, {format, attach: 1}),
        })),
    ]);
}

function moreMenu(image, deeds) {
    const plain = $('#more');
    const button = h('button', {type: 'button', class: 'button', id: 'more'}, t('image_more'), icon('down'));
    plain.replaceWith(button);
    const deed = (label, sign, run, right) => ({
        label: t(`image_${label}`), icon: sign, run, disabled: !run, why: t(`image_no_right_${right}`),
    });
    const picture = image.state === 'there' && image.width > 0;
    menuButton(button, [
        deed('rename', 'edit', deeds.rename, 'upload'),
        deed('move', 'move', deeds.move, 'delete'),
        deed('replace', 'upload', deeds.replace, 'upload'),
        ...(picture ? [
            deed('focal_set', 'focus', image.may.edit && (() => openFocal(image)), 'edit'),
            {label: t('image_compare'), icon: 'compare', href: compareAddress(image)},
            ...(image.may.edit ? [{label: t('image_why'), icon: 'help', href: whyAddress(image)}] : []),
        ] : []),
        deed('reset', 'refresh', deeds.reset, 'edit'),
        null,
        {...deed('delete', 'trash', deeds.remove, 'delete'), danger: true},
    ]);
}

function compareAddress(image) {
    const size = {width: 1600, height: 1600, autosizefit: 1};
    return url('compare/', {
        a: imageUrl(image.src, {...size, format: 'jpg'}), b: imageUrl(image.src, {...size, format: 'webp'}),
    });
}

const whyAddress = image => url('details/explain/', {src: image.src, width: 800});

// Changes of the file

async function rename(image) {
    const name = await promptText({
        title: t('image_rename_title', {name: image.filename}),
        label: t('image_rename_label'),
        value: image.filename,
        check: fileNameFault,
    });
    if (name === null || name.trim() === image.filename) return;
    await place(image, below(image.folder, name.trim()), now => t('image_rename_done', {name: now.filename}));
}

async function move(image) {
    const folder = await pickFolder({path: image.folder, level: ACCESS.upload});
    if (!folder || folder === image.folder) return;
    await place(image, below(folder, image.filename), () => t('image_move_done', {folder}));
}

// The page goes with the image; what offers the way back is shown there.
async function place(image, path, told) {
    const before = image.src;
    const now = await attempt(() => api.put(`admin/filesystem/images/${image.id}/`, {path}));
    if (!now) return;
    leave({text: told(now), moved: {id: image.id, path: before}}, `/${now.src}`);
}

async function remove(image) {
    if (!image.trash && !(await sureToRemove(image))) return;
    const gone = await attempt(() => api.delete(`admin/filesystem/images/${image.id}/`));
    if (!gone) return;
    const done = image.trash
        ? {text: t('image_delete_done', {name: image.filename}), deleted: image.src}
        : {text: t('image_deleted', {name: image.filename})};
    leave(done, image.following ?? image.previous);
}

// Where deleted files are not kept, there is no way back.
function sureToRemove(image) {
    return confirmDeed({
        title: t('image_delete_title', {name: image.filename}),
        text: t('image_delete_final', {path: image.src}),
        deed: t('image_delete_deed'),
    });
}

function leave(done, src) {
    sessionStorage.setItem(DONE, JSON.stringify(done));
    location.assign(src ? detailsOf(src) : $('#back').href);
}

// What was done on the page before can be taken back on this one.
export function tellDone() {
    const done = JSON.parse(sessionStorage.getItem(DONE) ?? 'null');
    sessionStorage.removeItem(DONE);
    if (!done) return;
    const run = done.moved || done.deleted ? () => (done.moved ? moveBack(done.moved) : restore(done.deleted)) : null;
    toast(done.text, run ? {action: {label: t('image_undo'), run}} : {});
}

async function moveBack({id, path}) {
    const now = await attempt(() => api.put(`admin/filesystem/images/${id}/`, {path}));
    if (now) location.assign(detailsOf(`/${now.src}`));
}

async function restore(src) {
    const entry = (await api.get('admin/trash/')).find(one => one.path === src);
    if (entry && (await attempt(() => api.post(`admin/trash/${entry.id}/restore/`, {})))) location.assign(detailsOf(src));
}

async function reset(image) {
    if (await attempt(() => api.post(`admin/images/${image.id}/reset/`, {}))) leave({text: t('image_reset_done')}, image.src);
}

async function replace(image) {
    const file = await chosenFile(image);
    if (!file) return;
    const sure = await confirmDeed({
        title: t('image_replace_title', {name: image.filename}),
        text: t('image_replace_text', {file: file.name, size: bytes(file.size)}),
        deed: t('image_replace_deed'),
    });
    if (!sure) return;
    const form = new FormData();
    form.append('path', image.folder);
    form.append('overwrite', 'yes');
    form.append('files', file, image.filename);
    const outcome = await attempt(() => api.post('upload/', form));
    if (outcome) leave({text: t('image_replace_done')}, image.src);
}

function chosenFile(image) {
    const extension = `.${extensionOf(image.filename)}`;
    return new Promise(done => {
        const input = h('input', {
            type: 'file', accept: extension,
            on: {change: () => done(input.files[0]), cancel: () => done(null)},
        });
        input.click();
    });
}

async function attempt(work) {
    try {
        return await work();
    } catch (error) {
        toast(error.message || t('image_error'), {kind: 'bad'});
        return null;
    }
}
