"""What goes in and out."""

from rest_framework import serializers

from annotation.api.decisions import ProgressSerializer
from annotation.api.shapes import CandidateSerializer, SuggestionSerializer
from training.api.advice import AdviceSerializer


class TryRequest(serializers.Serializer):
    """A text to try."""

    text = serializers.CharField(trim_whitespace=False, allow_blank=True)


class NeighbourSerializer(serializers.Serializer):
    """A labelled ticket near the text; ``similarity`` is the cosine of the vectors."""

    ticket_id = serializers.IntegerField()
    excerpt = serializers.CharField()
    service_id = serializers.IntegerField(allow_null=True)
    similarity = serializers.FloatField()


class TryModelSerializer(serializers.Serializer):
    """Which version answered; of kind ``encoder``, the learner's head spoke."""

    version = serializers.IntegerField()
    kind = serializers.ChoiceField(["encoder", "classifier"])


class TrySerializer(serializers.Serializer):
    """What the house says about a text. ``outlier``: share of the pool that is more ordinary."""

    state = serializers.ChoiceField(["ready", "no_model", "starting"])
    masked_text = serializers.CharField()
    masked = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many of each kind were masked."
    )
    prediction = SuggestionSerializer(allow_null=True)
    probabilities = CandidateSerializer(many=True)
    uncertainty = serializers.FloatField(allow_null=True)
    outlier = serializers.FloatField(allow_null=True)
    unlike = serializers.BooleanField()
    nearest = NeighbourSerializer(many=True)
    model = TryModelSerializer(allow_null=True)


class BoxProgressSerializer(serializers.Serializer):
    """How far a box is."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    unit = serializers.ChoiceField(["labels", "percent", "tickets"])


class NextSerializer(serializers.Serializer):
    """What moves a box next; the page puts the code into words."""

    code = serializers.CharField()
    params = serializers.DictField()


class BoxSerializer(serializers.Serializer):
    """One box of the loop."""

    key = serializers.ChoiceField(["label", "train", "evaluate", "observe", "compare", "promote"])
    state = serializers.ChoiceField(["idle", "waiting", "active", "done", "blocked"])
    count = serializers.IntegerField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    progress = BoxProgressSerializer(allow_null=True)
    next = NextSerializer(allow_null=True)
    link = serializers.CharField(allow_null=True)


class LabelsSerializer(serializers.Serializer):
    """Towards the next training."""

    since_last = serializers.IntegerField()
    needed = serializers.IntegerField()


class LearnerSerializer(serializers.Serializer):
    """The head that ranks the queue; ``behind`` counts annotations it has not seen."""

    generation = serializers.IntegerField(allow_null=True)
    labels_used = serializers.IntegerField()
    labels_total = serializers.IntegerField()
    refit_seconds = serializers.FloatField(allow_null=True)
    refitted_at = serializers.DateTimeField(allow_null=True)
    behind = serializers.IntegerField()


class CoverageSerializer(serializers.Serializer):
    """Tickets with a vector in the current space."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()


class LoopModelSerializer(serializers.Serializer):
    """The newest trained version."""

    version = serializers.IntegerField()
    accuracy = serializers.FloatField(allow_null=True)
    n_audit = serializers.IntegerField(allow_null=True)
    trained_at = serializers.DateTimeField()


class LoopRunSerializer(serializers.Serializer):
    """The training under way."""

    id = serializers.IntegerField()
    state = serializers.CharField()
    phase = serializers.CharField(allow_blank=True)
    progress = serializers.FloatField(allow_null=True)


class LoopSerializer(serializers.Serializer):
    """The improvement loop as it stands now. ``active``: the arrow at work, such as ``label>train``."""

    boxes = BoxSerializer(many=True)
    active = serializers.CharField(allow_null=True)
    labels = LabelsSerializer()
    learner = LearnerSerializer(allow_null=True)
    embedding = CoverageSerializer(allow_null=True)
    model = LoopModelSerializer(allow_null=True)
    run = LoopRunSerializer(allow_null=True)
    advice = AdviceSerializer(allow_null=True)


class NeedSerializer(serializers.Serializer):
    """Something that waits for a person."""

    code = serializers.CharField()
    params = serializers.DictField()
    link = serializers.CharField()


class HomeSerializer(serializers.Serializer):
    """A person's home page."""

    loop = LoopSerializer()
    progress = ProgressSerializer()
    needs = NeedSerializer(many=True)
