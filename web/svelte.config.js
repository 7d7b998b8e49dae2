// One configuration for the build and for the check of types.
export default {
  compilerOptions: {
    fragments: "tree", // no text is made into markup, as Trusted Types want it
    warningFilter: ({ code }) => code !== "a11y_no_noninteractive_tabindex", // what scrolls has to be reached by the keyboard
  },
};
