/** The same random cases in every run, so that a mutant survives or dies by the tests and not by chance. */
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 1 });
