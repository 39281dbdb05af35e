"""The admin's French words for what Django names itself after the code: fields and kinds of rows, with
the help under a field and the values it may take.

Put in when the addresses are loaded, so that the models stay free of them; migrations never see them. A field without
a word here keeps its English name, which ``tests/config/test_admin_french.py`` does not let happen.
"""

from django.apps import apps

from accounts.admin_base import say
from config.admin_french_choices import CHOICES
from config.admin_french_help import HELP

APPS = ("accounts", "annotation", "training", "inference")

FIELDS = """
ID = ID | accepted at = acceptée le | accepted by = acceptée par | accuracy = exactitude | active = actif
address = adresse | advisor may veto = le conseil peut s’opposer | alpha = alpha | annotation = annotation
annotator = annotateur | answered at = répondu le | approval = approbation | approved at = approuvée le
approved by = approuvée par | artifact uri = adresse de l’artefact | asked at = demandé le
asked because = demandé parce que | asked by = demandé par | at = le | attempt = essai | attempts = essais
audit labels = étiquettes de contrôle | audit rank = rang de contrôle | audit target = contrôles voulus
back to = retour à | band = bande | base model = modèle de base | baseline = référence
baseline is right = la référence a raison | baseline service = service de la référence
baseline version = version de référence | by = par | bytes read = octets lus | bytes total = octets en tout
canary minutes = minutes de l’essai partiel | canary passed at = essai partiel réussi le
canary share = part de l’essai partiel | canary tickets = tickets de l’essai partiel
cancel requested at = annulation demandée le | candidate = candidat
candidate confidence = confiance du candidat | candidate first = candidat en premier
candidate is right = le candidat a raison | candidate reason = raison du candidat
candidate service = service du candidat | candidate suggested = proposition du candidat
candidates = candidats | certificate = certificat | channel = canal | choice = choix | classes = classes | code = code
codes = codes | color = couleur | columns = colonnes | compared at = comparé le | confidence = confiance
cooldown minutes = minutes d’attente | coverage = couverture | created = créés | created at = créé le
created by = créé par | cron = cron | data = données | date joined = inscrit le | days = jours
decided at = décidé le | decided by = décidé par | decision = décision | delta = delta | deployment = déploiement
description = description | detail = détail | digest = empreinte | dim = dimension | display name = nom affiché
due at = échéance | duplicates = doublons | duration ms = durée (ms) | email = e-mail | email address = adresse e-mail
encoder = encodeur | ended at = terminé le | endpoint name = nom du point d’accès | epochs = époques | error = erreur
errors = erreurs | escalation minutes = minutes par escalade | evaluation = évaluation | expires at = expire le
external id = identifiant externe | failure = échec | failure code = code d’échec | failure reason = raison de l’échec
fewest = minimum | figures = chiffres | filename = nom du fichier | fingerprint = empreinte | first name = prénom
former = précédente | found = constat | four eyes = quatre yeux | generation = génération | group = groupe
groups = groupes | guesses = suppositions | guideline = consigne | heartbeat at = signe de vie le | hold = retenue
hyperparameters = hyperparamètres | input uri = adresse d’entrée | instance type = type d’instance
invited by = invité par | is active = actif | is alarm = alerte | is audit = contrôle | is automatic = automatique
is certificate needed = certificat exigé | is current = courant | is demo = démo | is due = dû | is indexed = indexé
is moved = déplacé | is new = nouveau | is spent = dépensé | job name = nom du travail | judged at = jugé le
key = touche | keywords = mots-clés | kind = sorte | known = connus | label = étiquette
label source = origine de l’étiquette | labelled at = étiqueté le | labels = étiquettes
labels used = étiquettes utilisées | lane = couloir | language = langue | last annotation id = dernière annotation
last login = dernière connexion | last name = nom | last used at = dernier usage le | latency ms = latence (ms)
lease = bail | leased by = tenu par | leased until = tenu jusqu’au | level = niveau | like = semblable à
limits = limites | loaded = chargés | log tail = fin du journal | log url = adresse du journal
log wealth = log de la mise | looked at = regardé le | macro f1 = F1 macro | made at = fait le | manifest = manifeste
manifest hash = empreinte du manifeste | masked = masqués | max age hours = âge maximal (h)
max calibration error = erreur de calibration maximale | max failures = échecs au plus
max latency ms = latence maximale (ms) | max seconds = secondes au plus | max worse = baisse maximale
metadata = métadonnées | metrics = mesures | min accuracy = exactitude minimale | min coverage = couverture minimale
min new labels = nouvelles étiquettes au moins | min recall = rappel minimal | minimum labels = étiquettes au moins
minutes escalation = minutes par escalade | minutes misroute = minutes par mauvais routage | mirrored = ticket suivi
misroute minutes = minutes par mauvais routage | mode = mode | model version = version du modèle
monthly cap = plafond mensuel | most latency ms = latence au plus (ms) | most unavailable = part sans réponse au plus
n = n | n reference = n de référence | name = nom | name fr = nom français | note = note | number = numéro
observation = observation | observed at = observé le | opened at = ouvert le | options = options | origin = origine
original text = texte d’origine | outlier = étrangeté | output offset = position de sortie
output uri = adresse de sortie | p = p | params = paramètres | passed = passé | password = mot de passe
path = chemin | payload = contenu | phase = phase | pk = pk | place = place | position = position
precision = précision | prefix = début | price per hour = prix par heure | probabilities = probabilités
probability = probabilité | problem = problème | processed = traités | production = production | progress = avancement
promise = promesse | promised = promis | purpose = but | read at = lu le | reason = raison | reasons = raisons
received at = reçu le | reference = référence | rehearsed at = répété le | rejected = rejetés
reopened at round = rouvert au tour | requested at = demandée le | requested by = demandée par
retry at = nouvel essai le | reviewer = relecteur | revision = révision | revoked at = révoqué le | right = justes
role = rôle | round = tour | row = ligne | row hash = empreinte de la ligne | rows = lignes | rows read = lignes lues
run = exécution | said = réponse | salt = sel | sampling probability = probabilité de tirage | score = score
second probability = deuxième probabilité | second service = deuxième service | seconds = secondes | seen at = vu le
seen by = vu par | sent to = envoyé à | served at = servi le | service = service
service groups = groupes de services | services = services | services created = services créés | share = part
silence hours = heures de silence | similarity = ressemblance | slice = échantillon | slot = emplacement
snapshot = instantané | source annotation = annotation d’origine | spec hash = empreinte de la demande
staff status = accès à l’administration | started at = commencé le | started by = commencé par | starts = démarrages
state = état | status = état | step = étape | sub state = étape | suggested = proposé
suggested probability = probabilité proposée | suggested service = service proposé
superuser status = tous les droits | taken at = reçu le | taught = appris | terms = conditions
test set = jeu de test | text = texte | text hash = empreinte du texte | threshold = seuil | ticket = ticket
tickets = tickets | time zone = fuseau horaire | told = dit | told at = dit le | told by = dit par | trouble = souci
truth = vérité | uncertain = incertains | uncertain tickets = tickets incertains | uncertainty = incertitude
unchanged = inchangés | undoes = annule | unless = sauf | updated = mis à jour | updated at = modifié le
updated by = modifié par | uploaded by = déposé par | uri = adresse | use = usage | user = personne
username = identifiant | value = valeur | vector = vecteur | verdict = verdict | version = version
vetoes training = s’oppose à l’entraînement | waiting since = attend depuis | was four eyes = à quatre yeux
webhook attempts = essais du webhook | webhook due at = webhook dû le | webhook said = réponse du webhook
weights = poids | why = pourquoi | window from = fenêtre du | window to = fenêtre au | words = mots
"""

ROWS = """
user / users = personne / personnes | API token / API tokens = jeton d’API / jetons d’API
invitation / invitations = invitation / invitations | service / services = service / services
ticket / tickets = ticket / tickets | answer key / answer keys = bonne réponse / bonnes réponses
queue item / queue items = place dans la file / places dans la file
serving / servings = présentation / présentations | annotation / annotations = annotation / annotations
import run / import runs = import / imports
score generation / score generations = génération de scores / générations de scores
ticket score / ticket scores = score de ticket / scores de tickets
training run / training runs = entraînement / entraînements
run metric / run metrics = mesure d’entraînement / mesures d’entraînement
test set / test sets = jeu de test / jeux de test | test row / test rows = ligne de test / lignes de test
model version / model versions = version du modèle / versions du modèle
evaluation / evaluations = évaluation / évaluations
evaluation sheet / evaluation sheets = relevé d’évaluation / relevés d’évaluation
precision certificate / precision certificates = certificat de précision / certificats de précision
job cost / job costs = coût de travail / coûts de travail
gate settings / gate settings = réglages d’admission / réglages d’admission
gate verdict / gate verdicts = verdict d’admission / verdicts d’admission
gate override / gate overrides = dérogation / dérogations
retrain policy / retrain policy = règle de réentraînement / règle de réentraînement
retrain decision / retrain decisions = décision de réentraînement / décisions de réentraînement
retrain advice / retrain advices = conseil de réentraînement / conseils de réentraînement
registry entry / registry entries = inscription au registre / inscriptions au registre
dataset snapshot / dataset snapshots = instantané / instantanés
snapshot row / snapshot rows = ligne d’instantané / lignes d’instantané | encoder / encoders = encodeur / encodeurs
embedding / embeddings = vecteur / vecteurs | panel / panels = panel / panels
round mark / round marks = repère de tour / repères de tour | alarm / alarms = alerte / alertes
deployment / deployments = déploiement / déploiements
routing settings / routing settings = réglages du routage / réglages du routage
keyword rule / keyword rules = règle par mots-clés / règles par mots-clés
routing hold / routing holds = retenue / retenues
routing decision / routing decisions = décision de routage / décisions de routage
escalation / escalations = escalade / escalades | outcome / outcomes = issue / issues
observation / observations = observation / observations
mirrored ticket / mirrored tickets = ticket suivi / tickets suivis | judgement / judgements = jugement / jugements
drift reading / drift readings = relevé de dérive / relevés de dérive
learner head / learner heads = tête de l’apprenant / têtes de l’apprenant
prediction / predictions = prédiction / prédictions
promotion settings / promotion settings = réglages de promotion / réglages de promotion
promotion / promotions = promotion / promotions
history entry / history entries = ligne d’historique / lignes d’historique
look alike / look alikes = ticket semblable / tickets semblables
transform run / transform runs = passage du modèle / passages du modèle
test answer / test answers = réponse de test / réponses de test
lone ticket / lone tickets = ticket isolé / tickets isolés
watch settings / watch settings = réglages de la surveillance / réglages de la surveillance
watch / watches = surveillance / surveillances
"""


def _table(text: str) -> dict[str, str]:
    pairs = (part.split(" = ", 1) for line in text.strip().splitlines() for part in line.split(" | "))
    return {english.strip(): french.strip() for english, french in pairs}


def _choice(english: str, words: dict[str, str]) -> object:
    return say(english, words[english]) if english in words else english


def put_in() -> None:
    """Say fields, values and rows of the house's models in both languages. Doing it again changes nothing."""
    fields, rows, choices = _table(FIELDS), _table(ROWS), _table(CHOICES)
    for label in APPS:
        for model in apps.get_app_config(label).get_models():
            meta = model._meta
            for field in meta.fields:
                if french := fields.get(str(field.verbose_name)):
                    field.verbose_name = say(str(field.verbose_name), french)
                if french := HELP.get(str(field.help_text)):
                    field.help_text = say(str(field.help_text), french)
                if field.choices:
                    field.choices = [(value, _choice(str(said), choices)) for value, said in field.choices]
            both = f"{meta.verbose_name} / {meta.verbose_name_plural}"
            if both in rows:
                one, many = rows[both].split(" / ")
                meta.verbose_name = say(str(meta.verbose_name), one)
                meta.verbose_name_plural = say(str(meta.verbose_name_plural), many)
