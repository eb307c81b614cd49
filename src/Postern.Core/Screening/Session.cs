using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Smtp;
using Postern.Core.Tables;

namespace Postern.Core.Screening;

/// <summary>
/// The decisions about one client, from its connection to the hand-off or the hang-up. Events go in, actions come out:
/// a session opens nothing, reads no clock and calls nobody back. The order of everything is postscreen's.
/// </summary>
/// <param name="settings">The snapshot this client keeps to the end.</param>
/// <param name="load">The queues of the service; the loop counts this client in and out.</param>
/// <param name="client">What the sessions of this address share.</param>
/// <param name="clientPort">The client's TCP port.</param>
/// <param name="server">The endpoint the client connected to.</param>
public sealed class Session(Settings settings, ServiceLoad load, ClientAddressState client, ushort clientPort, Endpoint server)
{
    private static readonly Reply ServiceUnavailable = new("421 4.3.2 Service currently unavailable");
    private static readonly Reply RecipientUnavailable = new("450 4.3.2 Service currently unavailable");
    private static readonly Reply NoResources = new("421 4.3.2 No system resources");
    private static readonly Reply ServerPortsBusy = new("421 4.3.2 All server ports are busy");

    private Phase _phase;
    private bool _isNew;
    private bool _mayHandOff = true;
    private bool _isKnown;
    private bool _hasTeaser; // before the access list could say anything
    private long _phaseStartTicks;
    private object? _ofPhase; // the question to the access list, the DNS lists' score, the dialogue: one at a time, as a parked client is to be small
    private TestLedger _ledger;

    private enum Phase : byte
    {
        Admission,
        Listing,
        Recall,
        Early,
        Dialogue,
        HandingOver,
        Done,
    }

    /// <summary>The snapshot this client keeps to the end.</summary>
    public Settings Settings { get; } = settings;

    /// <summary>What the sessions of this address share.</summary>
    public ClientAddressState Client { get; } = client;

    /// <summary>The client's TCP port.</summary>
    public ushort ClientPort { get; } = clientPort;

    /// <summary>The endpoint the client connected to.</summary>
    public Endpoint Server { get; } = server;

    /// <summary>Takes down what is known of the client; null: nobody wants to know.</summary>
    public ClientFacts? Facts { get; init; }

    /// <summary>What clients may be promised of the server they are handed over to; null: there is no such server.</summary>
    internal TargetOffer? Offer => load.Offer;

    /// <summary>What the server has to be told when the client is handed over in the middle of its session.</summary>
    public Envelope? Envelope => (_ofPhase as DummySmtp)?.Envelope;

    /// <summary>The server is being told about the client, which has to wait.</summary>
    public bool IsHandingOver => _phase is Phase.HandingOver;

    /// <summary>Nothing more will come of this session: it asked for the hand-off or the close.</summary>
    public bool IsDone => _phase is Phase.Done;

    /// <summary>Of a client that is handed off: no test was due, since access list or temporary allowlist let it in.</summary>
    public bool IsLetIn => _ledger.Due.IsEmpty;

    /// <summary>What the session waits for.</summary>
    public ClientWait Wait => _phase switch
    {
        Phase.Listing => ClientWait.Table,
        Phase.Admission or Phase.Recall => ClientWait.Allowlist,
        Phase.Early when LanePlace is LanePlace.Inside or LanePlace.InsideShort => ClientWait.Lane,
        Phase.Early => _ledger.Watches(ScreeningTest.Pregreet) ? ClientWait.Silence : ClientWait.DnsLists,
        Phase.Dialogue => ClientWait.Command,
        _ => ClientWait.Server,
    };

    /// <summary>How long the phase has lasted that <see cref="Wait"/> belongs to; null: none has begun.</summary>
    public TimeSpan? InPhaseFor(Moment moment) => _phase is Phase.Admission ? null : Elapsed(moment);

    /// <summary>How much longer than to its next timer the session has to wait in its lane.</summary>
    public TimeSpan LaneRest => Wait is ClientWait.Lane ? SlowLane.RestAfterStep(this) : TimeSpan.Zero;

    /// <summary>The class by reverse name; null: there are no slow lanes, or it is not known yet.</summary>
    public RdnsVerdict? Class => Settings.Lanes is not null && Rdns is not RdnsReason.Late ? new RdnsVerdict(Rdns) : null;

    /// <summary>What the DNS lists say, from the lookup to the end of the early tests; null: nobody asked.</summary>
    public DnsblScore? Dnsbl => _ofPhase as DnsblScore;

    /// <summary>What is asked of tables for <see cref="ActionKind.LookUp"/>; null: nothing.</summary>
    public TableQuestion? Question => _ofPhase as TableQuestion;

    /// <summary>The answer to every recipient, set by the last enforced test that failed.</summary>
    internal Reply RecipientReply { get; private set; } = RecipientUnavailable;

    /// <summary>The access list or <c>postscreen_allowlist_interfaces</c> says no; counts like a failed test.</summary>
    internal bool IsRefused { get; set; }

    /// <summary>A hand-off failed after the teaser: the next command but QUIT gets the farewell.</summary>
    internal bool HandoffHasFailed { get; private set; }

    /// <summary>The state of the five tests.</summary>
    internal ref TestLedger Ledger => ref _ledger;

    // The slow lane, in three bytes for which there was room. The seconds are counted down: a clock set back keeps nobody.
    internal RdnsReason Rdns { get; set; }
    internal LanePlace LanePlace { get; set; }
    internal byte LaneLeft { get; set; }

    private DummySmtp Dialogue => (DummySmtp)_ofPhase!;

    internal bool AnyFailed => IsRefused || !_ledger.Failed.IsEmpty;

    /// <summary>The client has connected, and its address state counts it.</summary>
    /// <param name="allowlist">Null: no <c>postscreen_cache_map</c>.</param>
    /// <param name="moment">Now.</param>
    /// <param name="actions">Takes what is to be done.</param>
    public void OnConnected(IAllowlistView? allowlist, Moment moment, SessionActions actions)
    {
        LogText.Connect(actions.Text, Client.Address, ClientPort, Server);
        actions.Log();
        load.ClientArrived(Settings, actions);

        var verdict = Admission.Examine(this, load, allowlist, moment, actions, out _isNew, out _isKnown, out var question);
        if (verdict is not Admission.Verdict.LookUp)
        {
            Admit(verdict, moment, actions);
            return;
        }

        Enter(Phase.Listing, moment);
        _ofPhase = question;
        actions.Watch(WatchMode.Peek); // only to see whether it hangs up
        _hasTeaser = question!.Wait is LookupWait.Reading && Admission.WouldWait(this, load, allowlist, moment);
        if (_hasTeaser)
            EarlyPhase.SendTeaser(Settings, actions);
    }

    /// <summary>The tables have answered <see cref="ActionKind.LookUp"/>.</summary>
    /// <param name="asked">The <see cref="Question"/> that was asked.</param>
    /// <param name="allowlist">As at <see cref="OnConnected"/>.</param>
    /// <param name="moment">Now.</param>
    /// <param name="actions">Takes what is to be done.</param>
    public void OnLookedUp(TableQuestion asked, IAllowlistView? allowlist, Moment moment, SessionActions actions)
    {
        if (asked != Question)
            return; // too late: it was not waited for any longer
        var question = (TableQuestion<AccessVerdict>)asked;
        _ofPhase = null;
        actions.Watch(WatchMode.Nothing);
        question.Report(actions);
        Admit(Admission.Obey(this, load, question.Answer, isFirst: !Client.IsRead, allowlist, moment, actions, out _isNew, out _isKnown), moment, actions);
    }

    /// <summary>The store behind the temporary allowlist answers <see cref="ActionKind.AskAllowlist"/>.</summary>
    /// <param name="record">Null: it has none, or cannot say.</param>
    /// <param name="moment">Now.</param>
    /// <param name="actions">Takes what is to be done.</param>
    public void OnAllowlistAnswer(TestExpiry? record, Moment moment, SessionActions actions)
    {
        if (_phase is not Phase.Recall)
            return; // too late: it was not waited for any longer
        if (!Client.IsAsked)
            _isKnown |= Client.Expiry != default; // another session of the client has had the answer, and may be on its way
        else if (record is { } expiry)
            (Client.Expiry, _isKnown) = (Admission.Believed(expiry, Settings, moment), true);
        else if (!_isKnown)
            Client.Expiry = default;
        Client.IsAsked = false;
        Admit(Admission.Judge(this, load, _isKnown, moment, actions, out _isNew), moment, actions);
    }

    private void OnTablesTooSlow(Moment moment, SessionActions actions)
    {
        _ofPhase = null;
        actions.Watch(WatchMode.Nothing);
        actions.Warn($"postscreen_access_list: no answer for {Client.Address} in {Admission.TableAnswerLimit.TotalSeconds} s -- ignoring the remainder of this access list");
        Admit(Admission.Obey(this, load, AccessVerdict.Undecided, isFirst: !Client.IsRead, allowlist: null, moment, actions, out _isNew, out _isKnown), moment, actions);
    }

    private void Admit(Admission.Verdict verdict, Moment moment, SessionActions actions)
    {
        switch (verdict)
        {
            case Admission.Verdict.Decided:
                break;
            case Admission.Verdict.Ask:
                Enter(Phase.Recall, moment);
                break;
            case Admission.Verdict.HandOff:
                Conclude(ServiceUnavailable, actions);
                break;
            case Admission.Verdict.Test when _ledger.IsWaitingFor(early: true):
                var hasWaited = _hasTeaser || _phase is Phase.Recall; // with the teaser, or before it while the store was asked
                if (hasWaited)
                    _phase = Phase.Early;
                else
                    Enter(Phase.Early, moment);
                if (EarlyPhase.Begin(this, load.UnderStress, _hasTeaser, Elapsed(moment), moment, actions))
                    EndEarlyPhase(moment, actions);
                break;
            case Admission.Verdict.Test:
                EndEarlyPhase(moment, actions);
                break;
        }
    }

    /// <summary>The client talks or hangs up while it has to be silent (<see cref="WatchMode.Peek"/>).</summary>
    /// <param name="peeked">What it sent so far, still in the kernel; empty when it hung up.</param>
    /// <param name="moment">Now.</param>
    /// <param name="actions">Takes what is to be done.</param>
    public void OnReadable(ReadOnlySpan<byte> peeked, Moment moment, SessionActions actions)
    {
        if (_phase is not (Phase.Listing or Phase.Early))
            return;
        if (peeked.IsEmpty)
            HangUp(moment, actions);
        else if (_phase is Phase.Listing)
            actions.Watch(WatchMode.Nothing); // whether it may talk is not known yet
        else if (EarlyPhase.Spoke(this, load.Lanes, peeked, Elapsed(moment), moment, actions))
            EndEarlyPhase(moment, actions);
    }

    /// <summary>The session's timer has run out.</summary>
    public void OnTimer(Moment moment, SessionActions actions)
    {
        switch (_phase)
        {
            case Phase.Listing:
                OnTablesTooSlow(moment, actions);
                break;
            case Phase.Recall:
                OnAllowlistAnswer(record: null, moment, actions);
                break;
            case Phase.Early when !SlowLane.GoesOn(this, load.Lanes, Elapsed(moment), moment, actions):
                EndEarlyPhase(moment, actions);
                break;
            case Phase.Dialogue:
                Dialogue.OnTimeLimit(moment, actions);
                break;
        }
    }

    /// <summary>The DNS lists have all answered (<see cref="ActionKind.LookUpDnsbl"/>).</summary>
    public void OnDnsblComplete(Moment moment, SessionActions actions)
    {
        if (_phase is not Phase.Early || !_ledger.Watches(ScreeningTest.Dnsbl) || !EarlyPhase.TakeDnsblResult(this, moment))
            return;
        SlowLane.Leave(this, load.Lanes, Elapsed(moment), LaneEvent.Praised, moment, actions);
        EndEarlyPhase(moment, actions);
    }

    /// <summary>DNS knows the client's reverse name, or not (<see cref="ActionKind.LookUpReverseName"/>).</summary>
    public void OnReverseName(in ReverseName name, SessionActions actions)
    {
        if (_phase is Phase.Early)
            SlowLane.TakeName(this, load.Lanes, name, actions);
    }

    /// <summary>Bytes of the dialogue have been read (<see cref="WatchMode.Read"/>).</summary>
    /// <param name="bytes">What one read brought, at most 4096 bytes; empty when the client hung up.</param>
    /// <param name="moment">Now.</param>
    /// <param name="actions">Takes what is to be done.</param>
    public void OnReceived(ReadOnlySpan<byte> bytes, Moment moment, SessionActions actions)
    {
        if (_phase is not Phase.Dialogue)
            return;
        if (bytes.IsEmpty)
            HangUp(moment, actions);
        else
            Dialogue.OnReceived(bytes, moment, actions);
    }

    /// <summary>The answer to <see cref="ActionKind.PrepareTls"/>: a certificate is there.</summary>
    public void OnTlsReady(SessionActions actions)
    {
        if (_phase is Phase.Dialogue)
            Dialogue.OnTlsReady(actions);
    }

    /// <summary>The answer to <see cref="ActionKind.PrepareTls"/>: TLS cannot be spoken.</summary>
    public void OnTlsUnavailable(Moment moment, SessionActions actions)
    {
        if (_phase is Phase.Dialogue)
            Dialogue.OnTlsUnavailable("problem receiving status from "u8, moment, actions);
    }

    /// <summary>The daemon stops, and has waited as long as it may.</summary>
    public void OnShutdown(SessionActions actions)
    {
        if (_phase is Phase.Listing or Phase.Recall or Phase.Early or Phase.Dialogue or Phase.HandingOver)
            Drop(ServiceUnavailable, actions);
    }

    /// <summary>The daemon has let go of the client, whether the session had come to its end or not.</summary>
    public void OnGone() => SlowLane.Abandon(this, load.Lanes);

    /// <summary>The SMTP server could not be given the client. It gets an answer that lets it try again.</summary>
    public void OnHandoffFailed(HandoffFailure failure, Moment moment, SessionActions actions)
    {
        failure.Report(this, actions);
        _mayHandOff = false;

        if (!_hasTeaser && !_ledger.Due.Has(ScreeningTest.Pregreet))
        {
            if (failure.Answer is { } answer)
            {
                actions.Text.Append(answer);
                actions.Send();
            }
            else
            {
                SendReply(failure.CouldConnect ? NoResources : ServerPortsBusy, actions);
            }

            Finish(actions);
            return;
        }

        // The teaser has gone out: the greeting must be completed before the client can be told.
        HandoffHasFailed = true;
        _ledger.SetDeepTestsDue(false);
        EnterDialogue(moment, actions);
    }

    /// <summary>The server has the client, and has answered its first recipient, or AUTH.</summary>
    public void OnHandedOver(SessionActions actions)
    {
        Facts?.Conclude(_ledger, farewell: null);
        PassedTests.Remember(this, _isNew, actions);
        _phase = Phase.Done;
        _ofPhase = null; // a relayed session lasts, and needs nothing of it
    }

    /// <summary>No server took the client in the middle of its session: its recipient, or AUTH, gets an answer, and the dialogue goes on.</summary>
    public void OnHandoverFailed(HandoffFailure failure, Moment moment, SessionActions actions)
    {
        failure.Report(this, actions);
        _phase = Phase.Dialogue;
        LiveHandover.GiveUp(this, Dialogue, failure, moment, actions);
    }

    /// <summary>Whether the first recipient may be the server's to judge: every test that was due is passed.</summary>
    internal bool MayHandOver => Settings.LiveHandover && HasLiveTarget;

    /// <summary>Whether AUTH may be the server's to judge: the early tests are passed, and none has failed since.</summary>
    internal bool MayAuthenticate => Settings.AuthPassthrough && HasLiveTarget;

    private bool HasLiveTarget => Offer is not null && _mayHandOff && !HandoffHasFailed && !AnyFailed;

    /// <summary>Hands the session over.</summary>
    internal void HandOver(SessionActions actions)
    {
        _phase = Phase.HandingOver;
        actions.Watch(WatchMode.Nothing);
        actions.HandOver();
    }

    /// <summary>Rejects every recipient with <paramref name="reply"/> from now on; the client is not handed off.</summary>
    internal void Enforce(Reply reply)
    {
        RecipientReply = reply;
        _mayHandOff = false;
    }

    /// <summary>Not handed off, whatever the tests say.</summary>
    internal void Veto() => _mayHandOff = false;

    /// <summary>Hangs up with these last words.</summary>
    internal void Drop(Reply farewell, SessionActions actions)
    {
        _mayHandOff = false;
        Conclude(farewell, actions);
    }

    /// <summary>Hangs up because of trouble on our side: a hand-off that failed, a table that cannot be read.</summary>
    internal void DropForTrouble(SessionActions actions) => Drop(NoResources, actions);

    /// <summary>A test has failed: applies its action.</summary>
    /// <param name="test">The test.</param>
    /// <param name="moment">Now.</param>
    /// <param name="actions">Takes what is to be done.</param>
    /// <param name="reason">Appended to the replies.</param>
    /// <returns>Whether the session is over.</returns>
    internal bool Fail(ScreeningTest test, Moment moment, SessionActions actions, string reason = "")
    {
        var action = _ledger.Fail(test, Settings, Client, moment);
        Facts?.Fail(test, isIgnored: action is FailAction.Ignore);
        switch (action)
        {
            case FailAction.Drop:
                Drop(With(test.Farewell), actions);
                return true;
            case FailAction.Enforce:
                Enforce(With(test.Rejection));
                break;
        }

        return false;

        Reply With(Reply reply) => reason.Length == 0 ? reply : new Reply(reply.Text + reason);
    }

    /// <summary>Sends a reply, softened if <c>soft_bounce</c> says so, and a rejection with its footer.</summary>
    internal void SendReply(Reply reply, SessionActions actions)
    {
        if (RejectFooter.Append(this, reply, actions) is { } withFooter) // may warn, so it comes before anything is written
            actions.Text.Append(withFooter);
        else
            reply.AppendTo(actions.Text, Settings.SoftBounce);
        actions.Text.Append("\r\n"u8);
        actions.Send();
    }

    /// <summary>Asks the DNS lists, or joins those who have asked about this client.</summary>
    internal DnsblScore JoinDnsbl(DnsblSites sites)
    {
        var score = Client.JoinDnsbl(sites);
        _ofPhase = score;
        return score;
    }

    /// <summary>Gives back the share in <see cref="Dnsbl"/>, unless its result has been taken.</summary>
    internal void LeaveDnsbl()
    {
        if (Dnsbl is not { } score || _ledger.Settled.Has(ScreeningTest.Dnsbl))
            return;
        Facts?.TakeDnsbl(score);
        _ledger.Settle(ScreeningTest.Dnsbl);
        Client.LeaveDnsbl(score);
    }

    private void EndEarlyPhase(Moment moment, SessionActions actions)
    {
        if (_phase is Phase.Early)
            Facts?.EndEarly(Elapsed(moment));
        if (EarlyPhase.Judge(this, moment, actions))
            return;
        _ofPhase = null;
        if (_mayHandOff && !AnyFailed && _ledger.IsWaitingFor(early: false) && load.Providers?.Find(Client.Address, permitOnly: false) is { } provider)
        {
            LogText.Provider(actions.Text, "PASS"u8, Client.Address, ClientPort, provider.Domain);
            actions.LogAsPostern();
            _ledger.SetDeepTestsDue(false);
        }

        if (!_mayHandOff || _ledger.IsWaitingFor(early: false))
            EnterDialogue(moment, actions);
        else
            Conclude(ServiceUnavailable, actions);
    }

    private void EnterDialogue(Moment moment, SessionActions actions)
    {
        if (!HandoffHasFailed && AnyFailed)
            _ledger.SetDeepTestsDue(true);
        Enter(Phase.Dialogue, moment);
        var dialogue = new DummySmtp(this, load);
        _ofPhase = dialogue;
        dialogue.Begin(_ledger.Failed.Has(ScreeningTest.Pregreet), actions);
    }

    private void HangUp(Moment moment, SessionActions actions)
    {
        _mayHandOff = false;
        Facts?.HangUp(Elapsed(moment), inDialogue: _phase is Phase.Dialogue);
        var phase = _phase is Phase.Early or Phase.Listing ? "tests before SMTP handshake"u8 : "tests after SMTP handshake"u8;
        LogText.Hangup(actions.Text, Elapsed(moment), Settings.DelayLoggingResolutionLimit, Client.Address, ClientPort, phase);
        actions.Log();
        SlowLane.Leave(this, load.Lanes, Elapsed(moment), LaneEvent.Hangup, moment, actions);
        Conclude(farewell: null, actions);
    }

    /// <summary>Remembers what was passed, then hands off or hangs up.</summary>
    /// <param name="farewell">The last words, if the client is not handed off; null: it has hung up.</param>
    /// <param name="actions">Takes what is to be done.</param>
    private void Conclude(Reply? farewell, SessionActions actions)
    {
        LeaveDnsbl();
        Facts?.Conclude(_ledger, _mayHandOff ? null : farewell);
        PassedTests.Remember(this, _isNew, actions);
        if (_mayHandOff)
        {
            _phase = Phase.Done;
            actions.HandOff();
            return;
        }

        if (farewell is { } lastWords)
            SendReply(lastWords, actions);
        LogText.ClientEvent(actions.Text, "DISCONNECT"u8, Client.Address, ClientPort);
        actions.Log();
        Finish(actions);
    }

    private void Finish(SessionActions actions)
    {
        _phase = Phase.Done;
        actions.Close();
    }

    private void Enter(Phase phase, Moment moment)
    {
        _phase = phase;
        _phaseStartTicks = moment.MonotonicTicks;
    }

    private TimeSpan Elapsed(Moment moment) => TimeSpan.FromTicks(moment.MonotonicTicks - _phaseStartTicks);
}
