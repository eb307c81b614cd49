using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Lanes;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Events;

/// <summary>
/// Reads what <see cref="ClientEvent"/> writes, also as older versions wrote it. One pass over the bytes, since a day of a large
/// site has millions of lines.
/// </summary>
internal static class ClientEventReader
{
    private static readonly (byte[] Name, Outcome Value)[] Outcomes = Named<Outcome>(ClientEvent.Name);

    private static readonly (byte[] Name, Entrance Value)[] Entrances = Named<Entrance>(ClientEvent.Name);

    private static readonly (byte[] Name, ScreeningCause Value)[] Causes = Named<ScreeningCause>(CauseText.Name);

    private static readonly (byte[] Name, ScreeningTest Value)[] Tests = [.. ScreeningTest.All.Select(static test => (Encoding.ASCII.GetBytes(CauseText.Name(test.Cause)), test))];

    private static readonly Dictionary<string, RdnsReason> Classes =
        Enum.GetValues<RdnsReason>().GroupBy(static reason => new RdnsVerdict(reason).ToString(), StringComparer.Ordinal).ToDictionary(static same => same.Key, static same => same.First(), StringComparer.Ordinal);

    // Said to nobody else whom nothing speaks against.
    private static ReadOnlySpan<byte> Shutdown => "421 4.3.2 Service currently unavailable"u8;

    /// <summary>A line about one client.</summary>
    /// <param name="line">Without its line end.</param>
    /// <param name="client">What it says.</param>
    /// <returns>False for other lines: of another event, of a later schema, or damaged.</returns>
    public static bool TryRead(ReadOnlySpan<byte> line, [NotNullWhen(true)] out RecordedClient? client)
    {
        client = null;
        try
        {
            var draft = new Draft { Json = new Utf8JsonReader(line) };
            client = draft.Read();
            return client is not null;
        }
        catch (Exception reason) when (reason is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            return false; // cut by a crash, or by somebody's hand
        }
    }

    /// <summary>What has been read of a line so far.</summary>
    private ref struct Draft
    {
        public Utf8JsonReader Json;
        private bool _isClient;
        private bool _isOfThisSchema;
        private DateTimeOffset? _connected;
        private TimeSpan? _duration, _talkedAfter, _hungUpAfter, _waited, _handoffTook;
        private (IpAddress Address, ushort Port)? _client, _server;
        private Outcome? _outcome;
        private Entrance _entrance;
        private ScreeningCause? _causes;
        private bool _hasTests, _saidQuit, _underStress, _hasHelo, _hasScore, _isShutdown, _isBusy;
        private TestSet _due, _passed, _failed, _dropped;
        private string? _class, _reverseName, _sender, _recipient, _service, _problem;
        private bool _hasRecipients;
        private int _recipients, _unanswered;
        private TestExpiry? _record, _remembered;
        private List<RecordedAnswer>? _answers;
        private List<(string List, TimeSpan After)>? _answered;
        private List<(string List, int Seconds)>? _timesToLive;

        /// <returns>Null: the line is about something else.</returns>
        public RecordedClient? Read()
        {
            Next(JsonTokenType.StartObject);
            while (NextName())
                ReadField();
            if (Json.Read() || !_isClient || !_isOfThisSchema || !_hasTests)
                return null;
            var (causes, problem) = (_causes!.Value, Problem());
            var outcome = problem is null ? _outcome!.Value : Outcome.NotTaken; // once these counted as stopped
            return new RecordedClient
            {
                Connected = _connected!.Value,
                Duration = _duration!.Value,
                Address = _client!.Value.Address,
                Port = _client.Value.Port,
                Server = new Endpoint(_server!.Value.Address, _server.Value.Port),
                Outcome = outcome,
                Entrance = _entrance,
                Causes = causes,
                Due = _due,
                Passed = _passed,
                Failed = _failed,
                Dropped = _dropped,
                TalkedAfter = _talkedAfter,
                SaidQuit = _saidQuit,
                Class = _class is not null && Classes.TryGetValue(_class, out var reason) ? new RdnsVerdict(reason).Kind : null,
                HungUpAfter = _hungUpAfter,
                Waited = _waited,
                HandoffTook = _handoffTook,
                HandoffProblem = problem,
                UnderStress = _underStress,
                ListsWereAsked = _hasScore,
                Answers = _hasScore && _answers is not null ? _answers : [],
                Answered = _hasScore ? Answered() : null,
                Unanswered = _hasScore ? _unanswered : 0,
                Name = NameOf(_class, _reverseName),
                Record = _record,
                Remembered = _remembered,
                Sender = _sender,
                Recipient = _recipient,
                Recipients = _recipients,
                WasCutOff = _isShutdown && outcome is Outcome.Stopped && causes is ScreeningCause.None,
                TalkedToUs = outcome is Outcome.ToldToComeBack || _hasHelo || _sender is not null || _hasRecipients
                    || (causes & (ScreeningCause.HangupAfter | ScreeningCause.CommandLimit)) != 0 || HasDeep(_failed)
                    || (outcome is Outcome.Stopped && HasDeep(_due) && (_waited is not null || !HasEarly(_due))),
            };
        }

        private void ReadField()
        {
            if (Is("event"u8))
                _isClient = TextIs("client"u8);
            else if (Is("schema"u8))
                _isOfThisSchema = Number() == ClientEvent.SchemaVersion;
            else if (Is("time"u8))
                _connected = Moment();
            else if (Is("duration_ms"u8))
                _duration = Time();
            else if (Is("client"u8))
                _client = Endpoint();
            else if (Is("server"u8))
                _server = Endpoint();
            else if (Is("outcome"u8))
                _outcome = One(Outcomes);
            else if (Is("let_in_by"u8))
                _entrance = One(Entrances) ?? Entrance.None;
            else if (Is("reasons"u8))
                ReadCauses();
            else if (Is("tests"u8))
                ReadTests();
            else if (Is("waited_ms"u8))
                _waited = Time();
            else if (Is("stress"u8))
                _underStress = NextIs(JsonTokenType.True);
            else if (Is("class"u8))
                _class = Text();
            else if (Is("reverse_name"u8))
                _reverseName = Text();
            else if (Is("record"u8))
                _record = CacheRecord.Parse(Text());
            else if (Is("remembered"u8))
                _remembered = CacheRecord.Parse(Text());
            else if (Is("hung_up_after_ms"u8))
                _hungUpAfter = Time();
            else if (Is("helo"u8))
                _hasHelo = Skip();
            else if (Is("sender"u8))
                _sender = Text();
            else if (Is("recipients"u8))
                ReadRecipients();
            else if (Is("recipient_count"u8))
                _recipients = (int)Number();
            else if (Is("reply"u8))
                ReadReply();
            else if (Is("handoff"u8))
                ReadHandoff();
            else
                Skip(); // of a later version
        }

        private void ReadCauses()
        {
            Next(JsonTokenType.StartArray);
            _causes = ScreeningCause.None;
            while (!NextIs(JsonTokenType.EndArray))
                _causes |= Find(Causes) ?? ScreeningCause.None;
        }

        private void ReadTests()
        {
            Next(JsonTokenType.StartObject);
            _hasTests = true;
            while (NextName())
            {
                if (FindTest() is { } test)
                    ReadTest(test);
                else
                    Skip();
            }
        }

        private void ReadTest(ScreeningTest test)
        {
            Next(JsonTokenType.StartObject);
            _due = _due.With(test);
            var (isFailed, isDrop) = (false, false);
            while (NextName())
            {
                if (Is("result"u8))
                {
                    isFailed = TextIs("failed"u8);
                    if (Is("passed"u8))
                        _passed = _passed.With(test);
                }
                else if (Is("action"u8))
                {
                    isDrop = TextIs("drop"u8);
                }
                else if (test == ScreeningTest.Dnsbl)
                {
                    ReadListField();
                }
                else if (test == ScreeningTest.Pregreet && Is("after_ms"u8))
                {
                    _talkedAfter = Time();
                }
                else if (test == ScreeningTest.Pregreet && Is("text"u8))
                {
                    _saidQuit = Text().TrimEnd().Equals("QUIT", StringComparison.OrdinalIgnoreCase);
                }
                else
                {
                    Skip();
                }
            }

            if (isFailed)
                _failed = _failed.With(test);
            if (isFailed && isDrop)
                _dropped = _dropped.With(test);
        }

        private void ReadListField()
        {
            if (Is("score"u8))
            {
                _hasScore = Skip();
            }
            else if (Is("unanswered"u8))
            {
                _unanswered = (int)Number();
            }
            else if (Is("answered_ms"u8))
            {
                Next(JsonTokenType.StartObject);
                _answered = [];
                while (NextName())
                    _answered.Add((Json.GetString()!, Time()));
            }
            else if (Is("ttl_s"u8))
            {
                Next(JsonTokenType.StartObject);
                _timesToLive = [];
                while (NextName())
                    _timesToLive.Add((Json.GetString()!, (int)Math.Clamp(Number(), 0, int.MaxValue)));
            }
            else if (Is("answers"u8))
            {
                Next(JsonTokenType.StartArray);
                _answers = [];
                while (!NextIs(JsonTokenType.EndArray))
                    ReadAnswer();
            }
            else
            {
                Skip();
            }
        }

        private void ReadAnswer()
        {
            string? list = null;
            IpAddress? address = null;
            while (NextName())
            {
                if (Is("list"u8))
                    list = Text();
                else if (Is("address"u8))
                    address = Address();
                else
                    Skip();
            }

            _answers!.Add(new RecordedAnswer(list!, address!.Value.IPv4Bits));
        }

        private void ReadRecipients()
        {
            Next(JsonTokenType.StartArray);
            _hasRecipients = true;
            while (!NextIs(JsonTokenType.EndArray))
                _recipient ??= Json.GetString();
        }

        private void ReadReply()
        {
            _isShutdown = TextIs(Shutdown);
            _isBusy = Json.ValueSpan.IndexOf("All server ports are busy"u8) >= 0;
        }

        // Why the mail server did not take it, in the words of the mail log.
        private readonly string? Problem()
        {
            const string NoConnection = "cannot connect", NotPassed = "cannot pass connection", Busy = "all server ports busy";
            if (_problem is not { } problem)
                return _isBusy && _causes!.Value.HasFlag(ScreeningCause.NoRoom) ? Busy : null;
            foreach (var trouble in (ReadOnlySpan<string>)[NoConnection, NotPassed])
            {
                if (problem.StartsWith(trouble + ": ", StringComparison.Ordinal))
                    return $"{trouble} to service {_service}{problem.AsSpan(trouble.Length)}";
            }

            return problem == "timeout" ? $"timeout sending connection to service {_service}" : _service is null ? problem : $"relay target {_service}: {problem}";
        }

        private void ReadHandoff()
        {
            Next(JsonTokenType.StartObject);
            while (NextName())
            {
                if (Is("took_ms"u8))
                    _handoffTook = Time();
                else if (Is("service"u8))
                    _service = Text();
                else if (Is("problem"u8))
                    _problem = Text();
                else
                    Skip();
            }
        }

        private readonly AnsweredList[]? Answered()
        {
            if (_answered is null)
                return null; // an older version
            var lists = new AnsweredList[_answered.Count];
            for (var i = 0; i < lists.Length; i++)
                lists[i] = new(_answered[i].List, _answered[i].After, TimeToLiveOf(_answered[i].List));
            return lists;
        }

        private readonly int? TimeToLiveOf(string list)
        {
            if (_timesToLive is null)
                return null; // an older version
            foreach (var (name, seconds) in _timesToLive)
            {
                if (name == list)
                    return seconds;
            }

            return -1;
        }

        private (IpAddress Address, ushort Port) Endpoint()
        {
            Next(JsonTokenType.StartObject);
            IpAddress? address = null;
            ushort? port = null;
            while (NextName())
            {
                if (Is("address"u8))
                    address = Address();
                else if (Is("port"u8))
                    port = checked((ushort)Number());
                else
                    Skip();
            }

            return (address!.Value, port!.Value);
        }

        private IpAddress Address()
        {
            Next(JsonTokenType.String);
            Span<char> text = stackalloc char[IpAddress.MaxTextLength];
            return Json.ValueSpan.Length <= text.Length && IpAddress.TryParse(text[..Json.CopyString(text)], out var address) ? address : throw new FormatException("no address");
        }

        private DateTimeOffset Moment()
        {
            Next(JsonTokenType.String);
            return Json.ValueSpan is [.., (byte)'Z'] && Json.TryGetDateTimeOffset(out var moment)
                ? moment
                : DateTimeOffset.Parse(Json.GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        }

        private TimeSpan Time() => TimeSpan.FromMilliseconds(Math.Clamp(Number(), 0, uint.MaxValue));

        private long Number()
        {
            Next(JsonTokenType.Number);
            return Json.GetInt64();
        }

        private string Text()
        {
            Next(JsonTokenType.String);
            return Json.GetString()!;
        }

        private bool TextIs(ReadOnlySpan<byte> text)
        {
            Next(JsonTokenType.String);
            return Is(text);
        }

        private T? One<T>((byte[] Name, T Value)[] rows)
            where T : struct
        {
            Next(JsonTokenType.String);
            return Find(rows);
        }

        private readonly T? Find<T>((byte[] Name, T Value)[] rows)
            where T : struct
        {
            foreach (var (name, value) in rows)
            {
                if (Is(name))
                    return value;
            }

            return null; // of a later version
        }

        private readonly ScreeningTest? FindTest()
        {
            foreach (var (name, test) in Tests)
            {
                if (Is(name))
                    return test;
            }

            return null;
        }

        /// <returns>True: there was something to skip.</returns>
        private bool Skip()
        {
            if (!Json.Read())
                throw new JsonException();
            Json.Skip();
            return true;
        }

        private readonly bool Is(ReadOnlySpan<byte> name) => Json.ValueTextEquals(name);

        private void Next(JsonTokenType type)
        {
            if (!NextIs(type))
                throw new FormatException($"{type} expected");
        }

        private bool NextIs(JsonTokenType type) => Json.Read() ? Json.TokenType == type : throw new JsonException();

        private bool NextName() => NextIs(JsonTokenType.PropertyName);
    }

    private static (byte[] Name, T Value)[] Named<T>(Func<T, string> name)
        where T : struct, Enum => [.. Enum.GetValues<T>().Select(value => (Encoding.ASCII.GetBytes(name(value)), value))];

    private static bool HasEarly(TestSet tests) => tests.Has(ScreeningTest.Pregreet) || tests.Has(ScreeningTest.Dnsbl);

    private static bool HasDeep(TestSet tests) =>
        tests.Has(ScreeningTest.Pipelining) || tests.Has(ScreeningTest.NonSmtpCommand) || tests.Has(ScreeningTest.BareNewline);

    // The name of those that look like servers was not always written down; any such name will do.
    private static ReverseName? NameOf(string? verdict, string? name)
    {
        if (verdict is null || !Classes.TryGetValue(verdict, out var reason) || reason is RdnsReason.Late)
            return null;
        return reason switch
        {
            RdnsReason.NoName => ReverseName.None,
            RdnsReason.NotConfirmed => new ReverseName(ReverseNameStatus.Unconfirmed, name ?? ""),
            RdnsReason.LookupFailed or RdnsReason.TableFailed => ReverseName.Failed,
            _ => name is null ? null : new ReverseName(ReverseNameStatus.Confirmed, name),
        };
    }
}
