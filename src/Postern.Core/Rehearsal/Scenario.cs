namespace Postern.Core.Rehearsal;

/// <summary>A rehearsal that has a name: its traffic, and the settings that are compared.</summary>
public sealed record Scenario
{
    /// <summary>Parts of what a delay can shed that are gone after so many seconds, as published; see <see cref="ModelParameter.Patience"/>.</summary>
    public static readonly IReadOnlyList<(int Seconds, double Share)> ShedAnchors = [(10, 0.40), (65, 0.65), (125, 0.97)];

    /// <summary>The names, for who must not wait until the scenarios are built: every start of the daemon would pay for that.</summary>
    public const string MixedName = "mixed", PublishedName = "published", StarpitName = "starpit";

    private const string Enforce = "postscreen_greet_action=enforce";

    /// <summary>For the command line.</summary>
    public required string Name { get; init; }

    /// <summary>What it shows.</summary>
    public required string Summary { get; init; }

    /// <summary>Its traffic.</summary>
    public TrafficModel Model { get; init; } = TrafficModel.Default;

    /// <summary>Its own configuration instead of the administrator's: <c>name=value</c> each; null: the administrator's.</summary>
    public IReadOnlyList<string>? Settings { get; init; }

    /// <summary>What is compared.</summary>
    public required IReadOnlyList<Variant> Variants { get; init; }

    /// <summary>What has been published of it; null: nothing.</summary>
    public PublishedCounts? Counted { get; init; }

    /// <summary>Whether its clients' patience is to be held against <see cref="ShedAnchors"/>.</summary>
    public bool ShowsPatience { get; init; }

    /// <summary>A site with some of everything; the one without a name on the command line.</summary>
    public static readonly Scenario Mixed = new()
    {
        Name = MixedName,
        Summary = "A small site with some of everything, at three greet waits and with your configuration as it is.",
        Variants =
        [
            GreetWait(2), GreetWait(6), GreetWait(15),
            new("as it is", []),
        ],
    };

    /// <summary>The counts of the article that made many administrators switch screening on.</summary>
    public static readonly Scenario Published = new()
    {
        Name = PublishedName,
        Summary = "The eight hours of a site of 3,000 users with postscreen_greet_wait = 15s, scaled down to a tenth.",
        Model = TrafficModel.Default.With(
            (ModelParameter.Hours, "8"),
            (ModelParameter.Scale, "0.1"),
            (ModelParameter.Mails, "7000"), // the rest of the delivered mail is spam that came through
            (ModelParameter.Bots, "6410"),
            (ModelParameter.EarlyTalk, "0.62"), // chosen so that the sums come out: the article does not say which test stopped how many
            (ModelParameter.Refused, "0.543"),
            (ModelParameter.NonSmtp, "0")), // the article knows three classes; these would be in none
        Settings = ["postscreen_greet_wait=15s", Enforce],
        Variants = [new("15 s", [])],
        Counted = new(Stopped: 11_988, Rejected: 1_982, Delivered: 7_684),
    };

    /// <summary>Slow lanes against longer greet waits for everybody.</summary>
    public static readonly Scenario Starpit = new()
    {
        Name = StarpitName,
        Summary = "Greet waits of 6 and 15 seconds, and slow lanes of 65, 85 and 125 seconds, on the same traffic.",
        Settings = ["postscreen_greet_wait=6s", Enforce],
        Variants = [GreetWait(6), GreetWait(15), Lane(65), Lane(85), Lane(125)],
        ShowsPatience = true,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Scenario> All { get; } = [Mixed, Published, Starpit];

    private static Variant GreetWait(int seconds) => new($"{seconds} s", [$"postscreen_greet_wait={seconds}s"]);

    private static Variant Lane(int seconds) => new(
        $"lane {seconds}s",
        [$"postern_greet_wait_generic={seconds}s", $"postern_greet_wait_unconfirmed={seconds}s", $"postern_greet_wait_none={seconds}s"]);
}

/// <summary>Settings to be tried.</summary>
/// <param name="Label">For the head of a column.</param>
/// <param name="Overrides"><c>name=value</c> each, over the configuration.</param>
public sealed record Variant(string Label, IReadOnlyList<string> Overrides);

/// <summary>What somebody has counted on a real site: connections, and mails in the last.</summary>
public sealed record PublishedCounts(int Stopped, int Rejected, int Delivered);
