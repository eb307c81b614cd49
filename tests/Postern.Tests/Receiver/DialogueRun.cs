using System.Text;
using Postern.Core;
using Postern.Receiver;

namespace Postern.Tests.Receiver;

/// <summary>Plays the input and output around a dialogue: feeds it in pieces, answers its questions, keeps what it says.</summary>
internal sealed class DialogueRun
{
    public static readonly DateTimeOffset Now = new(2026, 11, 24, 4, 40, 58, TimeSpan.Zero);

    private readonly SmtpDialogue _dialogue;
    private readonly List<string> _replies = [];
    private readonly List<string> _log = [];
    private readonly StringBuilder _file = new();
    private int _messages;
    private bool _isOpen;

    public DialogueRun(ReceiverOptions? options = null)
    {
        _dialogue = new SmtpDialogue(options ?? Options(), IpAddress.FromBytes([192, 0, 2, 7]), () => $"0000{++_messages}");
        Perform(_dialogue.OnConnected());
    }

    public Dictionary<string, SenderVerdict> Verdicts { get; } = new()
    {
        ["gone.example"] = SenderVerdict.NotFound,
        ["slow.example"] = SenderVerdict.Unknown,
        ["null.example"] = SenderVerdict.NullMx,
    };

    public bool CanOpen { get; set; } = true;

    public bool CanStore { get; set; } = true;

    public IReadOnlyList<string> Replies => _replies;

    public IReadOnlyList<string> LogLines => _log;

    /// <summary>The files as they were stored, Latin-1.</summary>
    public List<string> Stored { get; } = [];

    public bool IsClosed { get; private set; }

    public SmtpDialogue Dialogue => _dialogue;

    public static ReceiverOptions Options() => new()
    {
        SocketPath = "",
        HostName = "mx.ours.example",
        Banner = "mx.ours.example ESMTP Postern",
        RecipientDomains = ["ours.example"],
        MaildirPath = "",
        Log = (_, _, _, _) => { },
    };

    public DialogueRun Feed(string text, int piece = int.MaxValue)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var start = 0; start < bytes.Length && !IsClosed;)
        {
            var length = Math.Min(piece, bytes.Length - start);
            FeedPiece(bytes.AsSpan(start, length));
            start += length;
        }

        return this;
    }

    public DialogueRun End(Func<SmtpDialogue, List<DialogueAction>>? how = null)
    {
        if (how is not null)
            Perform(how(_dialogue));
        Perform(_dialogue.OnDisconnected());
        return this;
    }

    private void FeedPiece(ReadOnlySpan<byte> piece)
    {
        while (!piece.IsEmpty && !IsClosed)
        {
            var actions = _dialogue.OnReceived(piece, new Moment(Now, false), out var consumed);
            Assert.True(consumed > 0 || actions.Count > 0);
            piece = piece[consumed..];
            if (_isOpen)
                _file.Append(Encoding.Latin1.GetString(_dialogue.Content.WrittenSpan));
            else
                Assert.Equal(0, _dialogue.Content.WrittenCount);
            _dialogue.Content.ResetWrittenCount();
            Perform(actions);
        }
    }

    private void Perform(List<DialogueAction> actions)
    {
        foreach (var action in actions)
        {
            Assert.False(IsClosed && action is DialogueAction.Reply, "a reply after the close");
            switch (action)
            {
                case DialogueAction.Reply(var text):
                    _replies.Add(text);
                    break;
                case DialogueAction.Log(var severity, var program, var text):
                    _log.Add($"{program}: {(severity == LogSeverity.Warning ? "warning: " : "")}{text}");
                    break;
                case DialogueAction.CheckSender(var domain):
                    Perform(_dialogue.OnSenderChecked(Verdicts.GetValueOrDefault(domain), new Moment(Now, false)));
                    break;
                case DialogueAction.OpenMessage(_, var header):
                    _isOpen = CanOpen;
                    _file.Clear().Append(header);
                    Perform(_dialogue.OnMessageOpened(CanOpen));
                    break;
                case DialogueAction.StoreMessage:
                    Assert.True(_isOpen);
                    if (CanStore)
                        Stored.Add(_file.ToString());
                    _isOpen = false;
                    Perform(_dialogue.OnMessageStored(CanStore ? _file.Length : null, new Moment(Now, false)));
                    break;
                case DialogueAction.DiscardMessage:
                    _isOpen = false;
                    break;
                case DialogueAction.Close:
                    IsClosed = true;
                    break;
            }
        }
    }
}
