using System.Net.Sockets;
using System.Text;

namespace Postern.Tests.Receiver;

/// <summary>The remote end of a session.</summary>
internal sealed class MailClient(Socket socket) : IDisposable
{
    private readonly StringBuilder _received = new();
    private readonly byte[] _buffer = new byte[4096];

    public Socket Socket => socket;

    public async Task SayAsync(string text)
    {
        ReadOnlyMemory<byte> rest = Encoding.Latin1.GetBytes(text);
        while (!rest.IsEmpty)
            rest = rest[await socket.SendAsync(rest)..];
    }

    /// <summary>Says a command and returns the reply line to it.</summary>
    public async Task<string> AskAsync(string text)
    {
        await SayAsync(text);
        return await ReplyAsync();
    }

    /// <summary>The last line of the next reply.</summary>
    public async Task<string> ReplyAsync()
    {
        while (true)
        {
            var text = _received.ToString();
            if (text.IndexOf("\r\n", StringComparison.Ordinal) is >= 0 and var end)
            {
                _received.Remove(0, end + 2);
                if (text[3] == ' ')
                    return text[..end];
                continue;
            }

            Assert.True(await FillAsync(), $"the server hung up after \"{text}\"");
        }
    }

    /// <summary>Everything up to the end of the connection.</summary>
    public async Task<string> RestAsync()
    {
        while (await FillAsync())
        {
        }

        return _received.ToString();
    }

    public void Dispose() => socket.Dispose();

    private async Task<bool> FillAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var length = await socket.ReceiveAsync(_buffer, patience.Token);
        _received.Append(Encoding.Latin1.GetString(_buffer, 0, length));
        return length > 0;
    }
}
