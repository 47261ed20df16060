// Lets a file of the library be chosen. Few do, so what it takes is loaded only then.

export async function pickFile(about) {
    const picker = await import('../core/picker.js');
    return picker.pickFile(about);
}
