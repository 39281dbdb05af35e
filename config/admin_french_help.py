"""The admin's French for what stands under a field. What only names a data structure reads the same in both."""

HELP = {
    "Empty: what the browser asks for.": "Vide : ce que demande le navigateur.",
    "Empty: the installation's zone.": "Vide : le fuseau de l’installation.",
    "First characters, to recognise it by.": "Premiers caractères, pour le reconnaître.",
    "Where the upload lies until it is read.": "Où le fichier reste jusqu’à sa lecture.",
    "New tickets whose text equals an earlier one's.": (
        "Nouveaux tickets dont le texte est celui d’un ticket d’avant."
    ),
    "Code and parameters, if the whole file failed.": "Code et paramètres, si tout le fichier a échoué.",
    "Newest annotation the head has seen.": "Dernière annotation vue par la tête.",
    "Refit and ranking together.": "Réajustement et classement ensemble.",
    "[[service id, probability], …], best first, at most 5.": (
        "[[id du service, probabilité], …], la meilleure d’abord, 5 au plus."
    ),
    "Since when a customer waits for this decision.": "Depuis quand un client attend cette décision.",
    "Why the routing asked a person (a code).": "Pourquoi le routage a demandé une personne (un code).",
    "The client's idempotency key.": "La clé d’idempotence du client.",
    "Markdown: what belongs here, what does not, borderline examples.": (
        "Markdown : ce qui va ici, ce qui n’y va pas, des cas limites."
    ),
    "Words an expert expects; used for the cold start only.": (
        "Mots qu’attend un expert ; pour le démarrage à froid seulement."
    ),
    "The keyboard key, for life. Empty: chosen by typing the name.": (
        "La touche du clavier, pour toujours. Vide : choisi en tapant le nom."
    ),
    "Index into the page's colour-blind-safe set.": "Rang dans la palette lisible par les daltoniens.",
    "How many of each kind were masked.": "Combien de chaque sorte ont été masqués.",
    "Decisions of earlier rounds no longer count.": "Les décisions des tours d’avant ne comptent plus.",
    "Asked at a promotion: in force, and its labels count.": (
        "Demandé à une mise en production : en vigueur, et ses étiquettes comptent."
    ),
    "What was promised of the tickets that are routed.": "Ce qui a été promis des tickets routés.",
    "The chance of being wrong that the promise allows.": "Le risque d’erreur que la promesse admet.",
    "The chance of being wrong it was tested at.": "Le risque d’erreur avec lequel elle a été testée.",
    "How manyth asking of these labels; empty: they were fresh, tested at delta.": (
        "Combientième demande à ces étiquettes ; vide : elles étaient neuves, testées à delta."
    ),
    "Ids of the audit tickets whose labels were asked.": (
        "Ids des tickets de contrôle dont les étiquettes ont servi."
    ),
    "Of the tickets, labels and answers, and the promise.": (
        "Des tickets, étiquettes et réponses, et de la promesse."
    ),
    "At least this share of the routed tickets is to be right.": (
        "Au moins cette part des tickets routés doit être juste."
    ),
    "The chance of being wrong about that, at most.": "Le risque de se tromper là-dessus, au plus.",
    "Groups of services, by size, each with its own threshold. 0: none; each needs labels of its own.": (
        "Groupes de services, par taille, chacun avec son seuil. 0 : aucun ; chacun demande ses "
        "propres étiquettes."
    ),
    "Groups named by a lead, instead of those by size: [{name, services, precision}], services by code.": (
        "Groupes nommés par un responsable, au lieu des groupes par taille : [{name, services, "
        "precision}], services par code."
    ),
    "Stop versions whose promise is not certified. Uncertified ones route nothing anyway.": (
        "Arrêter les versions dont la promesse n’est pas certifiée. Sans certificat, elles ne "
        "routent rien de toute façon."
    ),
    "Of all control tickets of a service. Empty: not asked.": (
        "De tous les tickets de contrôle d’un service. Vide : non exigé."
    ),
    "Routed and right, of all control tickets of a service. Empty: not asked.": (
        "Routés et justes, de tous les tickets de contrôle d’un service. Vide : non exigé."
    ),
    "Of the control tickets, routed without a person. Empty: not asked.": (
        "Des tickets de contrôle, routés sans personne. Vide : non exigé."
    ),
    "How far stated confidence may be from the accuracy seen, on average. Empty: not asked.": (
        "De combien la confiance annoncée peut s’écarter de l’exactitude vue, en moyenne. Vide : non exigé."
    ),
    "Accuracy a service may lose against the version in production. Empty: not asked.": (
        "Exactitude qu’un service peut perdre face à la version en production. Vide : non exigé."
    ),
    "Of an answer, 95 of 100. Empty: not asked.": "D’une réponse, 95 fois sur 100. Vide : non exigé.",
    "A person's minutes to route a ticket that is escalated.": (
        "Minutes d’une personne pour router un ticket escaladé."
    ),
    "A person's minutes lost by a ticket routed wrong.": (
        "Minutes d’une personne perdues par un ticket mal routé."
    ),
    "What it was compared with.": "À quoi elle a été comparée.",
    "Of all it was given on.": "De tout ce sur quoi il a été donné.",
    "What it overrides.": "Ce qu’elle outrepasse.",
    "0: age never starts a training.": "0 : l’âge ne lance jamais d’entraînement.",
    "Five fields, in the installation's zone; empty: none.": (
        "Cinq champs, au fuseau de l’installation ; vide : aucun."
    ),
    "Time box of one training.": "Durée accordée à un entraînement.",
    "After so many failures in a row it waits for a person.": (
        "Après tant d’échecs de suite, attendre une personne."
    ),
    "No training starts by itself once this month's jobs cost so much, in the account's money. 0: none.": (
        "Aucun entraînement ne part seul quand les travaux du mois ont tant coûté, dans la monnaie "
        "du compte. 0 : sans plafond."
    ),
    "Hold back a training that would gain less than the noise of the controls.": (
        "Retenir un entraînement qui gagnerait moins que le bruit des contrôles."
    ),
    "Control tickets to label; until then Teach mixes them in. 0: none.": (
        "Tickets de contrôle à étiqueter ; jusque-là Enseigner en mêle. 0 : aucun."
    ),
    "Why it was started: code and parameters.": "Pourquoi il a été lancé : code et paramètres.",
    "Where the whole log is read in a browser.": "Où lire tout le journal dans un navigateur.",
    "Of the tickets and labels it was measured on.": (
        "Des tickets et étiquettes sur lesquels elle a été mesurée."
    ),
    'Rows per service code; "" for none of the services.': (
        "Lignes par code de service ; « » pour aucun des services."
    ),
    "The first rows that were not taken: [{line, code, params}].": (
        "Les premières lignes non prises : [{line, code, params}]."
    ),
    "Rows left out because tickets like them have taught or may teach a model.": (
        "Lignes laissées de côté, car des tickets semblables ont enseigné ou peuvent enseigner un modèle."
    ),
    "The version's ARN; empty until registered.": (
        "L’ARN de la version ; vide tant qu’elle n’est pas enregistrée."
    ),
    "Rows per service code.": "Lignes par code de service.",
    "Newest annotation it takes into account.": "Dernière annotation prise en compte.",
    "Of the routed tickets, mirrored to the candidate.": ("Des tickets routés, part suivie par le candidat."),
    "The chance with which an agreement is judged.": "La chance qu’un accord soit jugé.",
    "The setting when it was approved.": "Le réglage au moment de l’approbation.",
    "Routed by it before it got all tickets; empty: it had no canary.": (
        "Routés par elle avant qu’elle ait tous les tickets ; vide : sans essai partiel."
    ),
    "A second person approves a promotion. Off: the one who asks may; it is recorded.": (
        "Une seconde personne approuve une mise en production. Sinon : qui la demande le peut ; c’est noté."
    ),
    "Service codes, in the order of the coefficients.": (
        "Codes des services, dans l’ordre des coefficients."
    ),
    "The refit alone.": "Le réajustement seul.",
    "Lines the model answered with an error.": "Lignes auxquelles le modèle a répondu par une erreur.",
    "Bytes of the output that are loaded; moves with the rows, in one transaction.": (
        "Octets de la sortie déjà chargés ; avance avec les lignes, en une transaction."
    ),
    "A failed attempt rests until then.": "Un essai échoué attend jusque-là.",
    "Tickets looked at now.": "Tickets regardés maintenant.",
    "Tickets compared with.": "Tickets auxquels on compare.",
    "[[service id, probability], …], best first.": (
        "[[id du service, probabilité], …], la meilleure d’abord."
    ),
    "Of the masked text that was decided about.": "Du texte masqué sur lequel on a décidé.",
    "From the call's arrival to the decision.": "De l’arrivée de l’appel à la décision.",
    "How the last try to send it ended.": "Comment le dernier essai d’envoi s’est terminé.",
    "When the desk says it was so.": "Quand, selon le support.",
    'A list: ["refund", "money back"].': 'Une liste : ["remboursement", "rembourser"].',
    "Not if one of these is there.": "Sauf si l’un de ceux-ci y est.",
    "Shown to leads: drift, a rollback, a change of the range…": (
        "Montré aux responsables : une dérive, un retour en arrière, un changement de gamme…"
    ),
    "Empty: no certificate is in force, nothing is routed.": (
        "Vide : aucun certificat en vigueur, rien n’est routé."
    ),
    "Of the bet against the promise.": "De la mise contre la promesse.",
    "Go back to the version before, or give everything to people, without asking. Off: only tell leads.": (
        "Revenir à la version d’avant, ou tout confier à des personnes, sans demander. Sinon : "
        "prévenir les responsables seulement."
    ),
    "The chance that one watch sends back a version which keeps its promise, at most.": (
        "Le risque qu’une surveillance renvoie une version qui tient sa promesse, au plus."
    ),
    "Routed tickets whose right service must be known before anything is done.": (
        "Tickets routés dont le bon service doit être connu avant d’agir."
    ),
    "A watch lasts so long; then the next begins anew, so that old good days hide nothing.": (
        "Une surveillance dure tant ; puis la suivante repart de zéro, pour que de bons jours "
        "anciens ne cachent rien."
    ),
    "For a desk that tells only of tickets it moved: after so many hours without a word a route "
    "counts as right, and nothing counts earlier. Empty: the desk tells how every ticket ended, or a "
    "share of them.": (
        "Pour un support qui ne dit que ce qu’il déplace : après tant d’heures sans un mot, un "
        "routage compte comme juste, et rien ne compte plus tôt. Vide : le support dit comment "
        "chaque ticket a fini, ou une part d’entre eux."
    ),
    "Share of unanswered calls in ten minutes that sends a new version back. Empty: not watched.": (
        "Part d’appels sans réponse en dix minutes qui renvoie une nouvelle version. Vide : non surveillé."
    ),
    "95 of 100 decisions of a new version in ten minutes take at most so long. Empty: not watched.": (
        "95 décisions sur 100 d’une nouvelle version, en dix minutes, prennent au plus tant. Vide : "
        "non surveillé."
    ),
    "Of the tickets, routed by an approved version before it gets all of them. 0: no canary.": (
        "Des tickets, part routée par une version approuvée avant qu’elle les ait tous. 0 : sans "
        "essai partiel."
    ),
    "After so many tickets a canary has passed.": "Après tant de tickets, un essai partiel est réussi.",
    "Or after so long, if nothing was wrong.": "Ou après tant de temps, si rien n’a mal tourné.",
    "A service's code, or empty for none of them.": "Le code d’un service, ou vide pour aucun.",
    "training or transform": "training (entraînement) ou transform (passage du modèle)",
    "Of the text that was embedded.": "Du texte dont c’est le vecteur.",
    "Share of unlabelled tickets the head was not sure of.": "Part des tickets non étiquetés dont la tête doutait.",
    "Share of audit tickets the head was sure of.": "Part des tickets de contrôle dont la tête était sûre.",
    "Little-endian float32, one per label of the version.": "float32 petit-boutien, un par étiquette de la version.",
    "How strange the ticket is to the version: 0 = ordinary, 1 = the strangest.": (
        "À quel point le ticket est étrange pour la version : 0 = ordinaire, 1 = le plus étrange."
    ),
    "Share of the pool that is more ordinary.": "Part de la réserve qui est plus ordinaire.",
    "ml.judging.Sheet; ids are of tickets, of a test set's rows for data=test.": (
        "ml.judging.Sheet ; ids de tickets, ou des lignes d’un jeu de test pour data=test."
    ),
}
