// Lets a folder or images of the library be chosen, in a dialog. Few do, so what it takes is loaded only then.

const dialogs = () => import('../browse/picker.js');

// The path of a folder, or null. `path`: where one begins; `level`: what one must be allowed to there.
export async function pickFolder(about) {
    return (await dialogs()).pickFolder(about);
}

// The path of an image, or null; with `multiple` a list of them. `filter`: extensions, with commas between.
export async function pickFile(about) {
    return (await dialogs()).pickFile(about);
}
