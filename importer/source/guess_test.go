package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/htmlindex"
)

// TestGuessEncoding writes what exports say in many languages in the encodings that
// platforms use for them, from a row to a few.
func TestGuessEncoding(t *testing.T) {
	for _, c := range []struct {
		encoding string
		texts    []string
	}{
		{"windows-1252", []string{
			"id,name,status\n1,Jürgen Müller,ja\n2,Anne Löw,nein\n", "id,nom,statut\n1,Hélène Lefèvre,oui\n2,François Château,non\n3,Zoë,oui\n",
			"id,nome\n1,João Conceição,sim\n", "id,price\n1,5 €\n2,“quoted”\n", "id,navn\n1,Søren Kjærgård,ja\n2,Åse Bjørn,nej\n", "Prénom,b\n1,2\n",
			"id,nombre\n1,Peña Muñoz,sí\n2,¿Qué?,no\n", "id,note\n1,it’s fine – really\n", "id,città\n1,Forlì\n2,Cefalù\n", "Straße;Größe\n1;2\n",
			"id,nafn\n1,Þórður Ægisson,já\n2,Guðrún Sigurðardóttir,já\n",
		}},
		{"windows-1250", []string{
			"id,imię,miasto\n1,Łukasz Żółć,Kraków\n2,Małgorzata Wiśniewska,Łódź\n", "id,jméno\n1,Jiří Dvořák,Plzeň\n2,Božena Němcová,Česká Třebová\n",
			"id,név\n1,Kovács Erzsébet,Győr\n2,Szűcs Ödön,Fűzfő\n", "id,nume\n1,Ştefan Ionuţ,Bucureşti\n2,Mădălina,Iaşi\n", "id,ime\n1,Đorđe Čavić,Niš\n2,Živko Šarić,Čačak\n",
		}},
		{"windows-1251", []string{
			"id,имя,город\n1,Иван Петров,Москва\n2,Мария Смирнова,Санкт-Петербург\n", "id,name\n1,Иван\n2,Олена Шевченко\n", "id,ім'я\n1,Наталія Їжакевич,так\n",
			"id;согласие\n1;да\n2;нет\n", "id,име\n1,Георги Димитров,да\n",
		}},
		{"koi8-r", []string{"id,имя,город\n1,Иван Петров,Москва\n2,Мария Смирнова,Казань\n"}},
		{"ibm866", []string{"id,имя,город\n1,Иван Петров,Москва\n2,Мария Смирнова,Казань\n"}},
		{"iso-8859-2", []string{"id,jméno\n1,Jiří Šťastný,Plzeň\n2,Božena Němcová,Česká Třebová\n"}},
		{"windows-1253", []string{"id,όνομα\n1,Γιώργος Παπαδόπουλος,Αθήνα\n"}},
		{"windows-1254", []string{"id,ad\n1,Ayşe Yılmaz,İzmir\n2,Çağrı Güneş,Muğla\n"}},
		{"windows-1255", []string{"id,שם\n1,משה כהן,כן\n2,שרה לוי,לא\n"}},
		{"windows-1256", []string{"id,الاسم\n1,محمد علي,نعم\n2,فاطمة حسن,لا\n"}},
		{"windows-1257", []string{"id,vardas\n1,Žydrūnas Šuliauskas,Šiauliai\n2,Jūratė Kavaliauskienė,Kaunas\n"}},
		{"windows-874", []string{"id,ชื่อ\n1,สมชาย ใจดี,ใช่\n2,สมหญิง รักไทย,ไม่\n"}},
		{"shift_jis", []string{"id,名前,同意\n1,山田太郎,はい\n2,佐藤花子,いいえ\n", "id,name\n1,ヤマダ タロウ\n2,田中\n", "id,name\n1,鈴木\n2,高橋\n"}},
		{"gb18030", []string{"id,姓名,同意\n1,王小明,是\n2,李华,否\n", "id,name\n1,张伟\n2,王芳\n", "id,邮箱,订阅状态\n1,a@x.example,已订阅\n"}},
		{"big5", []string{"id,姓名,同意\n1,王小明,是\n2,李華,否\n3,陳大文,同意接收電子報\n", "id,name\n1,張偉\n2,林美玲\n"}},
		{"euc-kr", []string{"id,이름,동의\n1,김철수,예\n2,이영희,아니오\n", "id,name\n1,박지성\n"}},
		{"euc-jp", []string{"id,名前,同意\n1,山田太郎,はい\n2,佐藤花子,いいえ\n"}},
		{"macintosh", []string{"id,nom\n1,Hélène Lefèvre,oui\n2,François Château,non\n"}},
	} {
		enc, err := htmlindex.Get(c.encoding)
		require.NoError(t, err)
		for _, text := range c.texts {
			raw, err := enc.NewEncoder().String(text)
			require.NoError(t, err, text)
			assert.Equal(t, c.encoding, GuessEncoding([]byte(raw)), text)
			assert.Equal(t, c.encoding, GuessEncoding([]byte(strings.Repeat(raw, 3000))), "much of %s", text)
			assert.Empty(t, GuessEncoding([]byte(text)), "UTF-8: %s", text)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "ASCII": "a,b\n1,2\n", "UTF-8 with a fault": "a,b\né,è\nÜ,\xe9\n", "binary": "\x80\x81\x8d\xff\x90\x00\x01\xfe\x9d\n",
	} {
		assert.Empty(t, GuessEncoding([]byte(text)), name)
	}
}
