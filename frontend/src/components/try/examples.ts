/** Texts to try in a demonstration: a clear one, two that touch two services, one that belongs nowhere, in two languages. */
export const EXAMPLES: { language: "en" | "fr"; text: string }[] = [
  {
    language: "en",
    text: "The parcel is marked as delivered yesterday but I never received it and my neighbours have nothing. Order number 40771923, please write to marta.lewis@example.com.",
  },
  {
    language: "fr",
    text: "Bonjour, j’ai été débitée deux fois pour la même commande. Pouvez-vous annuler le second prélèvement ? Mon numéro : 06 12 34 56 78.",
  },
  { language: "en", text: "The kettle I sent back reached you two weeks ago and my bank account still shows nothing. What is going on?" },
  { language: "fr", text: "Le robot ne démarre plus au bout de quatre mois. Je vous le renvoie, ou quelqu’un passe le réparer ?" },
  { language: "en", text: "Good evening, my daughter’s school play is on Friday at seven, bring the blue scenery and two chairs please." },
];
