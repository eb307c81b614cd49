using System.Runtime.CompilerServices;
using Postern.Core.Allowlist;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>What let a client through to the mail server.</summary>
public enum Entrance : byte
{
    /// <summary>Nothing: it was stopped, or failed only what is ignored.</summary>
    None,

    /// <summary><c>postscreen_access_list</c>: ALLOWLISTED.</summary>
    AccessList,

    /// <summary>The temporary allowlist: no test was due.</summary>
    Known,

    /// <summary>It passed the tests that were due: PASS OLD.</summary>
    TestedAgain,

    /// <summary>It passed all tests for the first time: PASS NEW.</summary>
    New,

    /// <summary><c>postern_provider_passes</c>: PROVIDER PERMIT.</summary>
    Provider,
}

/// <summary>What became of a client; as the report counts them.</summary>
public enum Outcome : byte
{
    /// <summary>It did not get past screening.</summary>
    Stopped,

    /// <summary>It passed tests in the dialogue, and had to hang up and come back.</summary>
    ToldToComeBack,

    /// <summary>The mail server has it.</summary>
    HandedOff,

    /// <summary>It was to go on to the mail server, which did not take it.</summary>
    NotTaken,
}

/// <summary>
/// What is known of one client when it has left, for the event log and the counters. Its session writes it down while it
/// decides; where nobody wants to know there is none, and a parked client does not pay for it.
/// </summary>
/// <param name="connected">When it connected.</param>
public sealed class ClientFacts(Moment connected)
{
    /// <summary>Bytes that are kept of each text of the client's.</summary>
    public const int MostText = 256;

    /// <summary>Recipients that are kept; the others are counted.</summary>
    public const int MostRecipients = 20;

    private const long Never = -1;

    // Of a client that has passed, these say only how its dialogue ended.
    private const ScreeningCause Endings = ScreeningCause.HangupAfter | ScreeningCause.CommandLimit;

    // Each byte is one more for the collector, and most clients leave early: moments and times are ticks, and what only some
    // clients come to is apart.
    private readonly long _connected = connected.Now.UtcTicks;
    private readonly long _began = connected.MonotonicTicks;
    private long _lasted, _handOffBegan, _waited = Never, _hungUpAfter = Never;
    private PregreetFacts? _pregreet;
    private DnsblFacts? _dnsbl;
    private DialogueFacts? _dialogue;
    private StrongBox<TestExpiry>? _record, _remembered;

    /// <summary>When it connected.</summary>
    public DateTimeOffset Connected => After(0);

    /// <summary>When we were rid of it: it hung up, was hung up on, or the mail server had it. By the clock that was right when it connected.</summary>
    public DateTimeOffset Ended => After(_lasted);

    /// <summary>Whether the mail server has it.</summary>
    public bool IsHandedOff { get; private set; }

    /// <summary>What became of it.</summary>
    public Outcome Outcome =>
        IsHandedOff ? Outcome.HandedOff
        : HandoffProblem is not null ? Outcome.NotTaken
        : Entrance is not Entrance.None && (Causes & ~Endings) is ScreeningCause.None ? Outcome.ToldToComeBack
        : Outcome.Stopped;

    /// <summary>What let it through, or would have if the server had taken it.</summary>
    public Entrance Entrance { get; private set; }

    /// <summary>Why it was stopped; failures that are ignored are in <see cref="Failed"/> only.</summary>
    public ScreeningCause Causes { get; private set; }

    /// <summary>Tests that had to run.</summary>
    public TestSet Due { get; private set; }

    /// <summary>Tests that it passed.</summary>
    public TestSet Passed { get; private set; }

    /// <summary>Tests that it failed, whatever the action.</summary>
    public TestSet Failed { get; private set; }

    /// <summary>How many bytes it sent before its turn; 0: none.</summary>
    public int PregreetLength => _pregreet?.Length ?? 0;

    /// <summary>The first of them.</summary>
    public byte[] PregreetText => _pregreet?.Text ?? [];

    /// <summary>How long it had been silent until then.</summary>
    public TimeSpan PregreetAfter => _pregreet?.After ?? default;

    /// <summary>How long it had stayed, since the beginning of the greet wait or the dialogue, when it hung up; null: it did not.</summary>
    public TimeSpan? HungUpAfter => Time(_hungUpAfter);

    /// <summary>The DNS lists' score; null: it was not asked for, or did not come to matter.</summary>
    public int? DnsblScore => _dnsbl?.Score;

    /// <summary>What DNS lists answered that list it.</summary>
    public IReadOnlyList<DnsblListing> Listings => _dnsbl?.Listings ?? [];

    /// <summary>How many lists had not answered when the score was taken.</summary>
    public int DnsblUnanswered => _dnsbl?.Unanswered ?? 0;

    /// <summary>Those that had.</summary>
    public IReadOnlyList<DnsblAnswer> DnsblAnswered => _dnsbl?.Answered ?? [];

    /// <summary>Its class by reverse name; null: there are no slow lanes, or it did not come to that.</summary>
    public RdnsVerdict? Rdns { get; private set; }

    /// <summary>The name that the class is by, see <see cref="ReverseName.Name"/>; null: it is not known.</summary>
    public string? RdnsName { get; private set; }

    /// <summary>Whether the shorter waits of stress mode were in force when its greet wait began.</summary>
    public bool UnderStress { get; private set; }

    /// <summary>How long the tests before the greeting took; null: they did not come to their end, or there were none.</summary>
    public TimeSpan? Waited => Time(_waited);

    /// <summary>Whether it was looked for in the temporary allowlist.</summary>
    public bool WasLookedFor { get; private set; }

    /// <summary>What the temporary allowlist had of it when it came; null: nothing, or it was not asked.</summary>
    public TestExpiry? Record => _record?.Value;

    /// <summary>What the temporary allowlist has of it since; null: as before.</summary>
    public TestExpiry? Remembered => _remembered?.Value;

    /// <summary>Its last HELO or EHLO; null: none.</summary>
    public byte[]? Helo => _dialogue?.Helo;

    /// <summary>Its last sender; null: none; empty: that of a bounce.</summary>
    public byte[]? Sender => _dialogue?.Sender;

    /// <summary>Its first recipients.</summary>
    public IReadOnlyList<byte[]> Recipients => _dialogue?.Recipients ?? [];

    /// <summary>How many recipients it named.</summary>
    public int RecipientCount => _dialogue?.RecipientCount ?? 0;

    /// <summary>The rejection that it heard, of a recipient or at the end; null: none.</summary>
    public Reply? Reply { get; private set; }

    /// <summary>The service that it was or was to be handed to; null: it did not come to that.</summary>
    public string? HandoffService { get; private set; }

    /// <summary>When it was or was to be handed to <see cref="HandoffService"/>; null: it did not come to that.</summary>
    public DateTimeOffset? HandOffBegan => HandoffService is null ? null : After(_handOffBegan);

    /// <summary>How long the server took to take it; meaningful when it is handed off.</summary>
    public TimeSpan HandoffLasted => TimeSpan.FromTicks(_lasted - _handOffBegan);

    /// <summary>Why the server could not be given it; null: it was, or it did not come to that.</summary>
    public string? HandoffProblem { get; private set; }

    /// <summary>The mail server does not take the client that it was given, or has as many clients waiting as it may.</summary>
    public void GiveUpHandOff(string problem) => HandoffProblem = problem;

    /// <summary>It goes to the mail server.</summary>
    public void HandOff(string service, Moment moment) => (HandoffService, _handOffBegan) = (service, moment.MonotonicTicks - _began);

    /// <summary>It is gone.</summary>
    /// <param name="isHandedOff">Whether the mail server has it.</param>
    /// <param name="moment">Now.</param>
    public void End(bool isHandedOff, Moment moment) => (IsHandedOff, _lasted) = (isHandedOff && HandoffProblem is null, moment.MonotonicTicks - _began);

    internal void Enter(Entrance by) => Entrance = by;

    internal void Stop(ScreeningCause cause) => Causes |= cause;

    internal void Fail(ScreeningTest test, bool isIgnored)
    {
        Failed = Failed.With(test);
        if (!isIgnored)
            Causes |= test.Cause;
    }

    internal void Spoke(ReadOnlySpan<byte> bytes, TimeSpan after) =>
        _pregreet = new PregreetFacts(bytes.Length, Cut(bytes), after);

    internal void HangUp(TimeSpan after, bool inDialogue)
    {
        _hungUpAfter = after.Ticks;
        Causes |= inDialogue ? ScreeningCause.HangupAfter : ScreeningCause.HangupBefore;
    }

    internal void TakeDnsbl(DnsblScore score) => _dnsbl = new DnsblFacts(score.Score, [.. score.Listings], score.Pending, [.. score.Answered]);

    internal void Classify(RdnsVerdict verdict, string name) => (Rdns, RdnsName) = (verdict, name.Length == 0 ? null : name);

    internal void BeginEarly(bool underStress) => UnderStress = underStress;

    internal void EndEarly(TimeSpan waited) => _waited = waited.Ticks;

    internal void LookFor() => WasLookedFor = true;

    internal void Recall(in TestExpiry record) => _record = new(record);

    internal void Remember(in TestExpiry record) => _remembered = new(record);

    internal void Greet(ReadOnlySpan<byte> helo) => (_dialogue ??= new()).Helo = Cut(helo);

    internal void From(ReadOnlySpan<byte> sender) => (_dialogue ??= new()).Sender = Cut(sender);

    internal void Refuse(Reply reply) => Reply = reply;

    internal void To(ReadOnlySpan<byte> recipient)
    {
        var dialogue = _dialogue ??= new();
        dialogue.RecipientCount++;
        if (dialogue.Recipients.Count < MostRecipients)
            dialogue.Recipients.Add(Cut(recipient));
    }

    internal void Conclude(in TestLedger ledger, Reply? farewell)
    {
        Due = new((byte)(Due.Columns | ledger.Due.Columns));
        Passed = new((byte)(Passed.Columns | ledger.Passed.Columns));
        if (farewell?.Text[0] is '4' or '5')
            Reply ??= farewell;
    }

    internal void FailHandoff(HandoffFailure failure)
    {
        if (failure.Answer is not null)
        {
            HandoffProblem = failure.Reason; // the server does not want this client
            return;
        }

        HandoffProblem = (failure.CouldConnect ? "cannot pass connection: " : "cannot connect: ") + failure.Reason;
        Causes |= ScreeningCause.NoRoom;
    }

    private DateTimeOffset After(long ticks) => new(_connected + ticks, TimeSpan.Zero);

    private static TimeSpan? Time(long ticks) => ticks == Never ? null : TimeSpan.FromTicks(ticks);

    private static byte[] Cut(ReadOnlySpan<byte> text) => text[..Math.Min(text.Length, MostText)].ToArray();

    private sealed record PregreetFacts(int Length, byte[] Text, TimeSpan After);

    private sealed record DnsblFacts(int Score, DnsblListing[] Listings, int Unanswered, DnsblAnswer[] Answered);

    private sealed class DialogueFacts
    {
        public readonly List<byte[]> Recipients = [];
        public byte[]? Helo, Sender;
        public int RecipientCount;
    }
}
