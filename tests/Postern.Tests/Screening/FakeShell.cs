using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Core.Spf;
using Postern.Core.Tables;

namespace Postern.Tests.Screening;

/// <summary>
/// The daemon around one session, without sockets and with a clock of its own: keeps what the client sent in a "kernel
/// buffer", delivers it as the session watches, fires the timer when its time comes, and writes down what happens.
/// </summary>
public sealed class FakeShell : IAllowlistView
{
    private static readonly DateTimeOffset Start = new(2026, 11, 24, 2, 0, 0, TimeSpan.Zero);

    private readonly Settings _settings;
    private readonly SessionActions _actions = new();
    private readonly ServiceLoad _load;
    private byte[] _kernel = [];
    private bool _clientClosed;
    private WatchMode _watch;
    private TimeSpan? _timer;
    private bool _tlsIsAsked;
    private TableQuestion? _question;
    private TimeSpan _listsAskedAt;

    public FakeShell(
        Settings settings, IpAddress client, ServiceLoad? load = null, ClientAddressState? shared = null, DateTimeOffset? localTime = null, TargetOffer? offer = null,
        TimeSpan connectAt = default)
    {
        Now = connectAt;
        _actions.LocalTime = () => localTime ?? Start;
        _settings = settings;
        _load = load ?? new ServiceLoad();
        _load.Offer = offer;
        _load.Providers = settings.Providers.Count == 0 ? null : new EveryAddress(settings.Providers);
        Client = shared ?? new ClientAddressState(client);
        Client.Concurrency++;
        Session = new Session(settings, _load, Client, 40000, new Endpoint(IpAddress.FromIPv4(0xc0000219), 25)) { Facts = new ClientFacts(Moment) };
    }

    public Session Session { get; }

    public ClientAddressState Client { get; }

    /// <summary>Time since the start of the story.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>The allowlist: what the session finds there, and what it stored.</summary>
    public Dictionary<IpAddress, TestExpiry> Allowlist { get; init; } = [];

    /// <summary>False: no postscreen_cache_map.</summary>
    public bool HasAllowlist { get; init; } = true;

    /// <summary>What is answered when the session asks for TLS; null: nothing, until <see cref="AnswerTls"/>.</summary>
    public bool? TlsIsReady { get; init; } = true;

    /// <summary>What is received is decrypted from now on.</summary>
    public bool IsInTls { get; private set; }

    /// <summary>How far the wall clock has been set ahead since the start of the story.</summary>
    public TimeSpan ClockSetBy { get; set; }

    /// <summary>Whether new clients crowd out those that were told to come back.</summary>
    public bool ForgetsSoon { get; init; }

    /// <summary>Whether a store is asked about clients that the allowlist does not know.</summary>
    public bool CanAsk { get; init; }

    /// <summary>What came out: "S text" for a line to the client, "= word" for anything else.</summary>
    public List<string> Output { get; } = [];

    /// <summary>When the session's timer runs out; null: none is set.</summary>
    public TimeSpan? Timer => IsOver ? null : _timer;

    /// <summary>Whether what the client says is read.</summary>
    public bool IsRead => !IsOver && _watch is WatchMode.Read;

    /// <summary>Everything sent to the client.</summary>
    public StringBuilder Sent { get; } = new();

    /// <summary>Called for every line of <see cref="Output"/> with its time.</summary>
    public Action<TimeSpan, string>? OnOutput { get; init; }

    public bool HandedOff { get; private set; }

    public bool Closed { get; private set; }

    /// <summary>Bytes were read from the client's socket: it can no longer be handed off.</summary>
    public bool HasRead { get; private set; }

    public bool TryRecall(IpAddress address, out TestExpiry expiry) => Allowlist.TryGetValue(address, out expiry);

    public static uint UnixSeconds(double afterStart) => (uint)(Start.ToUnixTimeSeconds() + (long)afterStart);

    public void Connect()
    {
        _actions.Clear();
        Session.OnConnected(HasAllowlist ? this : null, Moment, _actions);
        Perform();
    }

    /// <summary>The store answers.</summary>
    public void Answer(TestExpiry? record)
    {
        _actions.Clear();
        Session.OnAllowlistAnswer(record, Moment, _actions);
        Perform();
        Deliver();
    }

    /// <summary>The tables answer that the session has asked.</summary>
    public void AnswerTables()
    {
        _question!.Ask();
        _actions.Clear();
        Session.OnLookedUp(_question, HasAllowlist ? this : null, Moment, _actions);
        Perform();
        Deliver();
    }

    /// <summary>Lets time pass; the timer fires on its way.</summary>
    public void AdvanceTo(TimeSpan time)
    {
        while (_timer is { } due && due <= time && !IsOver)
        {
            Now = due;
            _timer = null;
            _actions.Clear();
            Session.OnTimer(Moment, _actions);
            Perform();
            Deliver();
        }

        Now = time > Now ? time : Now;
    }

    public void Receive(ReadOnlySpan<byte> bytes)
    {
        _kernel = [.. _kernel, .. bytes];
        Deliver();
    }

    public void HangUp()
    {
        _clientClosed = true;
        Deliver();
    }

    /// <summary>A DNS list answers, if it was asked; with the last one the session is told.</summary>
    /// <returns>Whether all have answered now.</returns>
    public bool Answer(string domain, int timeToLive, params uint[] addresses)
    {
        if (DnsblScore is not { } score || !score.Add(score.Sites.Lists.First(list => list.Domain == domain), addresses, timeToLive, Now - _listsAskedAt))
            return false;
        TellDnsblComplete();
        return true;
    }

    /// <summary>The session has asked for the client's reverse name.</summary>
    public bool AsksName { get; private set; }

    /// <summary>DNS answers about the reverse name.</summary>
    public void TellName(ReverseName name)
    {
        if (IsOver)
            return;
        _actions.Clear();
        Session.OnReverseName(name, _actions);
        Perform();
    }

    /// <summary>Tells the session what another session of the client was told, too.</summary>
    public void TellDnsblComplete()
    {
        if (IsOver)
            return;
        _actions.Clear();
        Session.OnDnsblComplete(Moment, _actions);
        Perform();
        Deliver();
    }

    /// <summary>The score that the session had looked up, kept after it has let it go.</summary>
    public DnsblScore? DnsblScore { get; private set; }

    public void FailHandoff(HandoffFailure failure)
    {
        HandedOff = false;
        _actions.Clear();
        Session.OnHandoffFailed(failure, Moment, _actions);
        Perform();
        Deliver();
    }

    /// <summary>The server has the client, in the middle of its session.</summary>
    public void TakeOver()
    {
        _actions.Clear();
        Session.OnHandedOver(_actions);
        Perform();
        HandedOff = true;
    }

    /// <summary>No server takes the client in the middle of its session.</summary>
    public void FailHandover(HandoffFailure failure)
    {
        _actions.Clear();
        Session.OnHandoverFailed(failure, Moment, _actions);
        Perform();
        Deliver();
    }

    /// <summary>Tells the session whether TLS can be spoken.</summary>
    public void AnswerTls(bool isReady)
    {
        _tlsIsAsked = false;
        _actions.Clear();
        if (isReady)
            Session.OnTlsReady(_actions);
        else
            Session.OnTlsUnavailable(Moment, _actions);
        Perform();
        Deliver();
    }

    public void Shutdown()
    {
        _actions.Clear();
        Session.OnShutdown(_actions);
        Perform();
    }

    public bool IsOver => HandedOff || Closed;

    private Moment Moment => new(Start + Now + ClockSetBy, _load.UnderStress) { MonotonicTicks = Now.Ticks };

    private void Deliver()
    {
        while (!IsOver && _watch is not WatchMode.Nothing && (_kernel.Length > 0 || _clientClosed))
        {
            _actions.Clear();
            if (_watch is WatchMode.Peek)
            {
                var watchBefore = _watch;
                Session.OnReadable(_kernel.AsSpan(0, Math.Min(_kernel.Length, 1023)), Moment, _actions);
                Perform();
                if (_watch == watchBefore && !IsOver)
                    throw new InvalidOperationException("the session neither stopped watching nor went on after a peek");
            }
            else
            {
                var read = _kernel[..Math.Min(_kernel.Length, 4096)];
                _kernel = _kernel[read.Length..];
                HasRead |= read.Length > 0;
                Session.OnReceived(read, Moment, _actions);
                Perform();
            }

            if (_tlsIsAsked && TlsIsReady is { } isReady)
                AnswerTls(isReady);
        }
    }

    private void Perform()
    {
        foreach (var action in _actions.All)
        {
            if (IsOver)
                throw new InvalidOperationException($"{action.Kind} after the end");
            var text = Encoding.Latin1.GetString(_actions.BytesOf(action));
            switch (action.Kind)
            {
                case ActionKind.Log:
                    Write("= log " + (action.Severity is LogSeverity.Info ? "" : action.Severity.ToString().ToLowerInvariant() + ": ") + text);
                    break;
                case ActionKind.LogAsPostern:
                    Write("= postern " + text);
                    break;
                case ActionKind.LookUpReverseName:
                    AsksName = true;
                    Write("= look up the reverse name");
                    break;
                case ActionKind.Send:
                    Sent.Append(text);
                    foreach (var line in text.TrimEnd().Split("\r\n"))
                        Write("S " + line);
                    break;
                case ActionKind.Watch:
                    _watch = action.Watch;
                    break;
                case ActionKind.WakeAfter:
                    if (action.Delay < TimeSpan.Zero)
                        throw new InvalidOperationException("a timer in the past");
                    _timer = Now + action.Delay;
                    break;
                case ActionKind.LookUpDnsbl:
                    DnsblScore = Session.Dnsbl!;
                    if (!DnsblScore.IsStarted)
                    {
                        DnsblScore.Start(DnsblScore.Sites.Lists.Length);
                        _listsAskedAt = Now;
                        Write("= look up DNS lists");
                    }

                    break;
                case ActionKind.AskAllowlist:
                    Write("= ask");
                    break;
                case ActionKind.LookUp:
                    _question = Session.Question;
                    Write("= look up");
                    break;
                case ActionKind.Remember:
                    Allowlist[Client.Address] = action.Record;
                    Write($"= remember {Relative(action.Record.Pregreet)};{Relative(action.Record.Dnsbl)};{Relative(action.Record.Pipelining)};"
                        + $"{Relative(action.Record.NonSmtpCommand)};{Relative(action.Record.BareNewline)}");
                    break;
                case ActionKind.PrepareTls:
                    _tlsIsAsked = true;
                    break;
                case ActionKind.StartTls:
                    IsInTls = true;
                    _watch = WatchMode.Read;
                    Write("= start TLS");
                    break;
                case ActionKind.HandOff:
                    HandedOff = true;
                    _timer = null;
                    Session.Facts!.HandOff("private/smtpd", Moment);
                    Session.Facts.End(isHandedOff: true, Moment);
                    Write("= hand off");
                    break;
                case ActionKind.HandOver:
                    _timer = null;
                    var envelope = Session.Envelope!;
                    Write($"= hand over {(envelope.Extended ? "EHLO" : "HELO")} {Latin1(envelope.Helo)}, {(envelope.Mail is { } mail ? $"MAIL {Latin1(mail)}, RCPT" : "AUTH")} {Latin1(envelope.Last)}"
                        + (envelope.Rest.Length == 0 ? "" : ", and then " + Latin1(envelope.Rest).Replace("\r\n", "\\r\\n", StringComparison.Ordinal)));
                    break;
                case ActionKind.Close:
                    Closed = true;
                    Session.Facts!.End(isHandedOff: false, Moment);
                    Write("= close");
                    break;
            }
        }
    }

    private static string Latin1(byte[] text) => Encoding.Latin1.GetString(text);

    private static string Relative(uint expiry) => expiry <= 1 ? $"{expiry}" : $"+{expiry - UnixSeconds(0)}";

    private void Write(string line)
    {
        Output.Add(line);
        OnOutput?.Invoke(Now, line);
    }

    // Each provider's policy passes whoever comes.
    private sealed class EveryAddress(IReadOnlyList<Provider> providers) : IProviders
    {
        public Provider? Find(IpAddress address, bool permitOnly) => providers.FirstOrDefault(provider => provider.IsPermit || !permitOnly);
    }
}
