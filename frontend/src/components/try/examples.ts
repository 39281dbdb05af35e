/** Texts to try in a demonstration: a clear one, two that touch two services, one that belongs nowhere, in two languages. */
export const EXAMPLES: { language: "en" | "fr"; text: string }[] = [
  {
    language: "en",
    text: "Hello, the tracking page has said “out for delivery” for three days and nobody rang. Order number 40771923, please write to marta.lewis@example.com.",
  },
  {
    language: "fr",
    text: "Bonjour, j’ai été débitée deux fois pour la même commande. Pouvez-vous annuler le second prélèvement ? Mon numéro : 06 12 34 56 78.",
  },
  { language: "en", text: "The kettle I sent back reached you two weeks ago and my bank account still shows nothing. What is going on?" },
  { language: "fr", text: "Le robot ne démarre plus au bout de quatre mois. Je vous le renvoie, ou quelqu’un passe le réparer ?" },
  { language: "en", text: "Do you have a recipe for lemon cake? My aunt swears you printed one on the box in 1998." },
];
