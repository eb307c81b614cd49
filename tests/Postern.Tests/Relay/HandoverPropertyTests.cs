using System.Text;
using CsCheck;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Relay;

namespace Postern.Tests.Relay;

/// <summary>Whatever the server, and whatever pieces its replies come in, they are taken for what they are.</summary>
public sealed class HandoverPropertyTests
{
    private static readonly ClientIdentity Client = new(Ip.Of("192.0.2.7"), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25), "id");

    private static readonly Gen<RelayAnnouncement> Header = Gen.Bool.Select(isFirst => isFirst ? RelayAnnouncement.ProxyV1 : RelayAnnouncement.ProxyV2);

    private static readonly Gen<Dialect> AnyDialect = Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool, Gen.Int[500, 503], Gen.Int[1, 20], Gen.Bool)
        .Select((strict, blank, nul, code, errors, ehlo) => new Dialect(strict, blank, nul, blank ? code : code == 501 ? 500 : code, errors, ehlo));

    private static readonly Gen<Envelope> AnyEnvelope = Gen.Select(Gen.Int[0, 2], Gen.Bool).Select((hello, isAuth) => new Envelope
    {
        Helo = hello == 0 ? [] : "foo.test"u8.ToArray(),
        Extended = hello == 2 || isAuth,
        Announced = EhloOffer.Nothing,
        Mail = isAuth && hello == 2 ? null : "FROM:<a@b>"u8.ToArray(),
        Last = isAuth && hello == 2 ? "PLAIN x"u8.ToArray() : "TO:<c@d>"u8.ToArray(),
        Rest = [],
    });

    [Fact]
    public void A_server_that_does_not_know_the_PROXY_protocol_is_never_well_and_never_gets_a_session() =>
        Gen.Select(Header, AnyDialect, AnyEnvelope, Gen.Int[0, 3].Array[0, 60]).Sample((header, dialect, envelope, order) =>
        {
            var probe = Handover.Probe(Rules(header), Client);
            var session = Handover.OfSession(Rules(header), Client, envelope);

            var (probed, handedOver) = (Play(probe, new LineDialogue(dialect), order), Play(session, new LineDialogue(dialect), order));

            Assert.NotEqual(HandoverStep.Done, probed);
            Assert.NotEqual(true, probe.MayBeTold);
            Assert.NotEqual(HandoverStep.Done, handedOver);
            Assert.Null(session.Answer); // it would be the client's, and for good
        });

    [Fact]
    public void A_server_that_knows_it_is_well_and_gets_the_session() =>
        Gen.Select(Header, AnyDialect, AnyEnvelope, Gen.Int[0, 3].Array[0, 60]).Sample((header, dialect, envelope, order) =>
        {
            dialect = dialect with { HasEhlo = true };
            var probe = Handover.Probe(Rules(header), Client);
            var session = Handover.OfSession(Rules(header), Client, envelope);

            var (probed, handedOver) = (Play(probe, new LineDialogue(dialect, header), order), Play(session, new LineDialogue(dialect, header), order));

            Assert.Equal((HandoverStep.Done, (bool?)true), (probed, probe.MayBeTold));
            Assert.Equal(HandoverStep.Done, handedOver);
            Assert.Equal(envelope.Mail is null ? "334 \r\n" : "250 RCPT\r\n", Encoding.Latin1.GetString(session.ToClient.Written));
        });

    [Theory]
    [InlineData("550 5.7.1 Access denied", true)]
    [InlineData("501 5.5.4 Invalid name", true)]
    [InlineData("450 4.7.1 Not today", true)]
    [InlineData("503 5.5.1 Bad sequence", false)] // could be about the header
    [InlineData("500 5.5.2 What?", false)]
    public void Its_answer_to_the_client_is_the_clients_if_it_cannot_be_about_the_header(string refusal, bool isAnswer) =>
        Gen.Select(Header, Gen.Int[0, 3].Array[0, 60]).Sample((header, order) =>
        {
            var envelope = new Envelope { Helo = "foo"u8.ToArray(), Extended = true, Announced = EhloOffer.Nothing, Mail = "FROM:<>"u8.ToArray(), Last = "TO:<a@b>"u8.ToArray(), Rest = [] };
            var session = Handover.OfSession(Rules(header), Client, envelope);

            var step = Play(session, new LineDialogue(new Dialect(true, true, true, 500, 20, true), header) { RefusesEhlo = refusal }, order);

            Assert.Equal(HandoverStep.GiveUp, step);
            Assert.Equal(isAnswer ? refusal : null, session.Answer?.LastLine);
            Assert.NotEqual(false, session.MayBeTold);
            Assert.Equal("it says after EHLO: " + refusal, session.Reason);
        });

    private static RelayRules Rules(RelayAnnouncement announcement) => new() { Announcement = announcement, MyHostname = "postern.test" };

    /// <summary>Lets the two talk; <paramref name="order"/> says how far the server's words come before the next of ours do.</summary>
    private static HandoverStep Play(Handover talk, LineDialogue server, int[] order)
    {
        for (var turn = 0; ; turn++)
        {
            server.Hear(talk.ToServer);
            if (server.Take(turn < order.Length ? order[turn] : int.MaxValue) is { Length: > 0 } said)
            {
                if (talk.OnReceived(said) is var step and not HandoverStep.Wait)
                    return step;
            }
            else if (server.HasClosed)
            {
                return talk.OnClosed();
            }
            else if (turn > order.Length)
            {
                return talk.OnTimeout();
            }
        }
    }

    /// <summary>How a server takes what is no command.</summary>
    /// <param name="IsStrict">A line ends in CR LF only.</param>
    /// <param name="AnswersBlank">An empty line is a bad command.</param>
    /// <param name="AnswersNul">A line that begins with NUL is one, and not an empty line.</param>
    /// <param name="Code">Its reply to a bad command.</param>
    /// <param name="MaxErrors">After so many it hangs up.</param>
    /// <param name="HasEhlo">It knows EHLO.</param>
    private sealed record Dialect(bool IsStrict, bool AnswersBlank, bool AnswersNul, int Code, int MaxErrors, bool HasEhlo);

    /// <summary>A server that reads lines and answers them, and knows a header of the PROXY protocol if it is told which.</summary>
    private sealed class LineDialogue(Dialect dialect, RelayAnnouncement header = RelayAnnouncement.None)
    {
        private readonly StringBuilder _heard = new();
        private readonly Queue<string> _replies = new(header is RelayAnnouncement.None ? ["220 mx"] : []);
        private bool _knowsClient = header is RelayAnnouncement.None;
        private int _errors;
        private bool _hasEnded;

        public string? RefusesEhlo { get; init; }

        public bool HasClosed => _hasEnded && _replies.Count == 0;

        public void Hear(ByteBuffer bytes)
        {
            _heard.Append(Encoding.Latin1.GetString(bytes.Written));
            bytes.Truncate(0);
            if (!_knowsClient)
                TakeHeader();
            while (_knowsClient && !_hasEnded && TakeLine() is { } line)
                Answer(line);
        }

        /// <summary>So many replies, all in one piece.</summary>
        public byte[] Take(int most)
        {
            var taken = new StringBuilder();
            for (; most > 0 && _replies.TryDequeue(out var reply); most--)
                taken.Append(reply).Append("\r\n");
            return Encoding.Latin1.GetBytes(taken.ToString());
        }

        private void TakeHeader()
        {
            var length = header is RelayAnnouncement.ProxyV1 ? _heard.ToString().IndexOf('\n') + 1 : _heard.Length >= 16 ? 16 + _heard[14] * 256 + _heard[15] : 0;
            if (length == 0 || _heard.Length < length)
                return;
            _heard.Remove(0, length);
            _knowsClient = true;
            _replies.Enqueue("220 mx");
        }

        private string? TakeLine()
        {
            var end = _heard.ToString().IndexOf(dialect.IsStrict ? "\r\n" : "\n", StringComparison.Ordinal);
            if (end < 0)
                return null;
            var line = _heard.ToString(0, end);
            _heard.Remove(0, end + (dialect.IsStrict ? 2 : 1));
            return line.TrimEnd('\r');
        }

        private void Answer(string line)
        {
            if ((line.Length == 0 && !dialect.AnswersBlank) || (line.StartsWith('\0') && !dialect.AnswersNul))
                return;
            var verb = line.Split(' ')[0].ToUpperInvariant();
            var reply = verb switch
            {
                "EHLO" when RefusesEhlo is not null => RefusesEhlo,
                "EHLO" when dialect.HasEhlo => "250-mx\r\n250 AUTH PLAIN",
                "AUTH" => "334 ",
                "HELO" or "MAIL" or "RCPT" or "NOOP" => "250 " + verb,
                "QUIT" => "221 bye",
                _ => $"{dialect.Code} what?",
            };
            _replies.Enqueue(reply);
            _errors += reply[0] == '5' ? 1 : 0;
            _hasEnded = verb == "QUIT" || _errors >= dialect.MaxErrors;
        }
    }
}
