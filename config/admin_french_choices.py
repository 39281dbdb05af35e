"""The admin's French words for the values a field may take, by the English ones."""

CHOICES = """
Annotator = Annotateur | Reviewer = Relecteur | Lead = Responsable | Admin = Administrateur | Machine = Machine
Waiting = En attente | Running = En cours | Done = Terminé | Failed = Échec | Teach = Enseigner | Check = Vérifier
Import = Importation | Typical (cold start) = Typique (démarrage à froid) | Hesitation = Hésitation
Unlike anything seen = Ne ressemble à rien de vu | Random control = Contrôle tiré au hasard
Perhaps of a service with few labels = Peut-être d’un service peu étiqueté
Prediction near the threshold = Prédiction près du seuil | Imported label = Étiquette importée
Label the model doubts = Étiquette dont le modèle doute
Spot check of a sure prediction = Sondage d’une prédiction sûre | A customer is waiting = Un client attend
Moved by the desk = Déplacé par le support
Like a ticket a candidate got wrong = Semblable à un ticket où un candidat s’est trompé | Label = Étiquette
None of these = Aucun de ceux-ci | Two services = Deux services | Skip = Passer | Flag = Signaler | Undo = Annuler
Open = Ouvert | Labelled = Étiqueté | Flagged = Signalé | Set aside = Mis de côté | A person = Une personne
Same text as one a person labelled = Même texte qu’un ticket étiqueté par une personne | Imported = Importé
A customer = Un client | An expert, to teach with = Un expert, pour enseigner | Certified = Certifié
No audit labels = Aucune étiquette de contrôle | One service only = Un seul service
Unusable probabilities = Probabilités inutilisables | Nothing routable = Rien à router
Too few audit labels = Trop peu d’étiquettes de contrôle | Too many errors = Trop d’erreurs | Observe = Observer
Promote = Mettre en production | Planned = Prévu | Submitting = Envoi | Stopping = Arrêt demandé | Succeeded = Réussi
Stopped = Arrêté | Timed out = Temps écoulé | Encoder = Encodeur | Classifier = Classifieur
Audit labels = Étiquettes de contrôle | Test set = Jeu de test | Waiting for a decision = Attend une décision
Approved = Approuvé | Rejected = Refusé | Production went back by itself = La production est revenue en arrière seule
Everything goes to people = Tout va à des personnes
Production breaks its promise, and goes on = La production rompt sa promesse et continue
A canary was stopped = Un essai partiel a été arrêté
Tickets or answers have changed = Les tickets ou les réponses ont changé | A test = Un essai | E-mail = E-mail
Webhook = Webhook | People = Des personnes | Keyword rules = Règles par mots-clés
Another router, whose decision comes with the call = Un autre routeur, dont la décision vient avec l’appel
The model in production = Le modèle en production
Sufficient: waits for its promotion = Suffisant : attend sa mise en production | Insufficient = Insuffisant
Promoted = Mis en production | Stopped by a person = Arrêté par une personne | The first = Le premier
The second = Le second | Both = Les deux | Neither = Aucun des deux | Cannot be told = Impossible à dire
The way back is rehearsed = Le retour en arrière est répété | Waits for approval = Attend l’approbation
Approved: a share goes to it first = Approuvé : une part lui va d’abord
Approved: the endpoint takes it = Approuvé : le point d’accès le prend | In production = En production
Withdrawn = Retiré | Observation started = Observation commencée | Mirrored share changed = Part suivie changée
Verdict = Verdict | Failures sent back to Teach = Erreurs renvoyées dans Enseigner
Observation stopped = Observation arrêtée | Promotion asked for = Mise en production demandée
Way back rehearsed = Retour en arrière répété | Promotion approved = Mise en production approuvée
Routes a share first = Oriente d’abord une part | Promotion failed = Mise en production échouée
Promotion withdrawn = Mise en production retirée | Rolled back = Retour en arrière
Everything given to people = Tout confié à des personnes
Promise broken: leads told = Promesse rompue : responsables prévenus
Embed and score the pool = Lire et noter la réserve | Score the audit labels = Noter les étiquettes de contrôle
Score an uploaded test set = Noter un jeu de test chargé | Assistant = Assistant | Observer = Observateur
Production = Production | Canary = Essai partiel | What tickets are about = Ce dont parlent les tickets
Distance to what was learnt = Distance à ce qui a été appris | Services predicted = Services prédits
Share escalated = Part escaladée | Precision on control tickets = Précision sur les tickets de contrôle
Held back = Suspendu | Not certified = Non certifié | Unlike anything known = Ne ressemble à rien de connu
Uncertain = Incertain | The model did not answer in time = Le modèle n’a pas répondu à temps
Answered by a person = Répondu par une personne | The desk decided by itself = Le support a décidé seul
Watching = Surveillance en cours | The promise was not refuted = La promesse n’a pas été réfutée
Everything goes to people: there was nothing to go back to = Tout va à des personnes : pas de version d’avant
Leads were told = Responsables prévenus
Waits for the candidate's answer = Attend la réponse du candidat | Both answers are here = Les deux réponses sont là
The candidate did not answer: not compared = Le candidat n’a pas répondu : non comparé
Another version took over = Une autre version a pris le relais
"""
