// What a page can look like: each look is a picture of its own, NAME.LANGUAGE.THEME.WIDTH.png.
export const languages = ["en", "uk", "ru"];
export const themes = ["light", "dark"];
export const widths = [1360, 390]; // pixels, of a desk and of a telephone
export const looks = languages.flatMap((language) => widths.flatMap((width) => themes.map((theme) => `${language}.${theme}.${width}`)));
